#include "generate/answer_text.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/terminal.h"

namespace hone::generate {
namespace {

TEST(AnswerText, GivesWholeCharactersOnly) {
  AnswerText text({});
  EXPECT_EQ(text.push("a\xC3"), "a");
  EXPECT_EQ(text.push("\xA9"), "\xC3\xA9");
  EXPECT_EQ(text.push("\xF0\x9F\x98"), "");
  EXPECT_EQ(text.push("\x80!"), "\xF0\x9F\x98\x80!");
  EXPECT_EQ(text.push("\xE2\x82"), "");
  EXPECT_EQ(text.finish(), "");
  EXPECT_EQ(text.text(), "a\xC3\xA9\xF0\x9F\x98\x80!");
}

TEST(AnswerText, EndsBeforeAStopStringThatComesInPieces) {
  AnswerText text({"END", "\n\n"});
  EXPECT_EQ(text.push("one\n"), "one");
  EXPECT_EQ(text.push("two E"), "\ntwo ");
  EXPECT_EQ(text.push("N"), "");
  EXPECT_FALSE(text.stopped());
  EXPECT_EQ(text.push("Dxyz"), "");
  EXPECT_TRUE(text.stopped());
  EXPECT_EQ(text.text(), "one\ntwo ");
  EXPECT_EQ(text.push("more"), "");
  EXPECT_EQ(text.finish(), "");
}

TEST(AnswerText, GivesWhatOnlyLookedLikeAStop) {
  AnswerText text({"END"});
  EXPECT_EQ(text.push("the EN"), "the ");
  EXPECT_EQ(text.push("VOY"), "ENVOY");
  EXPECT_EQ(text.push("E"), "");
  EXPECT_EQ(text.finish(), "E");
}

TEST(AnswerText, LeavesOutTheLeadHoweverItComes) {
  AnswerText whole({}, " ");
  EXPECT_EQ(whole.push(" yes"), "yes");
  EXPECT_EQ(whole.push(" no"), " no");
  EXPECT_EQ(whole.text(), "yes no");
  AnswerText pieces({"y"}, "\n ");
  EXPECT_EQ(pieces.push("\n"), "");
  EXPECT_EQ(pieces.push(" a"), "a");
  EXPECT_EQ(pieces.push("by"), "b");
  EXPECT_TRUE(pieces.stopped());
  AnswerText without({}, "\n ");
  EXPECT_EQ(without.push("\n"), "");
  EXPECT_EQ(without.push("a"), "\na");
  AnswerText ended({}, "\n ");
  EXPECT_EQ(ended.push("\n"), "");
  EXPECT_EQ(ended.finish(), "\n");
}

TEST(AnswerText, DoesNotDependOnHowBytesAreCut) {
  Rng rng(4);
  for (int round = 0; round < 400; ++round) {
    std::string bytes;
    for (int i = 0; i < 40; ++i) {
      const char* parts[] = {"a", "b", "\xC3\xA9", "\xFF", "\xE2\x82\xAC", "\xE2\x82", "\x80"};
      bytes += parts[rng.below(7)];
    }
    AnswerText whole({"ab", "bba"}), cut({"ab", "bba"});
    std::string given = whole.push(bytes);
    given += whole.finish();
    std::string given_cut;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = 1 + rng.below(4);
      given_cut += cut.push(std::string_view(bytes).substr(at, n));
      at += n;
    }
    given_cut += cut.finish();
    EXPECT_EQ(given, given_cut);
    EXPECT_EQ(given, whole.text());
    EXPECT_TRUE(is_utf8(given));
    EXPECT_EQ(given.find("ab"), std::string::npos);
  }
}

}  // namespace
}  // namespace hone::generate
