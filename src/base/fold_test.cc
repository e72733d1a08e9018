#include "base/fold.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

TEST(FoldedLines, BreaksAtSpacesAndSetsTheRestIn) {
  EXPECT_EQ(folded_lines("aaa bbb ccc", 7, 2), "aaa bbb\n  ccc");
  EXPECT_EQ(folded_lines("aaa bbb ccc", 80, 2), "aaa bbb ccc");
  EXPECT_EQ(folded_lines("one\n  - two three", 9, 4), "one\n  - two\n    three") << "its own breaks stay";
}

TEST(FoldedLines, KeepsCommandsAndLongWordsWhole) {
  EXPECT_EQ(folded_lines("run `hone solve .` now", 10, 2), "run\n  `hone solve .`\n  now");
  EXPECT_EQ(folded_lines("a /a/very/long/path b", 6, 0), "a\n/a/very/long/path\nb");
  EXPECT_EQ(folded_lines("\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9", 5, 0), "\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9")
      << "counted in characters";
}

}  // namespace
}  // namespace hone
