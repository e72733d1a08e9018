#include "base/shell.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

TEST(ShellWord, KeepsPlainPathsAndQuotesTheRest) {
  EXPECT_EQ(shell_word("/data/my-task_1"), "/data/my-task_1");
  EXPECT_EQ(shell_word("two words"), "'two words'");
  EXPECT_EQ(shell_word("it's $HOME"), "'it'\\''s $HOME'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace hone
