#include "text/regex.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "text/regex_utf8.h"

namespace hone::text {
namespace {

bool matches(const std::string& pattern, const std::string& text) {
  return value_or_throw(compile_regex(pattern))->accepts(text);
}

TEST(Regex, FindsAnywhereUnlessAnchored) {
  EXPECT_TRUE(matches("b", "abc"));
  EXPECT_FALSE(matches("^b", "abc"));
  EXPECT_FALSE(matches("b$", "abc"));
  EXPECT_TRUE(matches("^$", ""));
  EXPECT_FALSE(matches("^$", "a"));
  // An anchor binds its own branch only.
  EXPECT_TRUE(matches("^alpha|beta|stable$", "a beta one"));
  EXPECT_FALSE(matches("^alpha|stable$", "an alpha"));
}

TEST(Regex, CountsAndClasses) {
  EXPECT_TRUE(matches("^a{2,3}$", "aaa"));
  EXPECT_FALSE(matches("^a{2,3}$", "aaaa"));
  EXPECT_TRUE(matches("^a{,3}$", "a{,3}"));  // ECMA-262: no repeat without a first count
  EXPECT_TRUE(matches("^[\\w-.]+$", "a-b.c"));
  EXPECT_TRUE(matches("^[^a-c]$", "\xC3\xA9"));
  EXPECT_FALSE(matches("^\\d$", "\xD9\xA1"));  // digits are ASCII
  EXPECT_TRUE(matches("^\\s$", "\xC2\xA0"));
  EXPECT_FALSE(matches("^.$", "\n"));
}

TEST(Regex, ReadsWholeCharactersOfUtf8) {
  const std::string face = "\xF0\x9F\x98\x80";
  EXPECT_TRUE(matches("^.$", face));
  EXPECT_TRUE(matches("^[\\u{1F600}-\\u{1F64F}]$", face));
  EXPECT_TRUE(matches("^\\ud83d\\ude00$", face));
  EXPECT_FALSE(matches("^.$", face.substr(0, 3)));
  EXPECT_FALSE(matches(".", "\xED\xA0\x80"));  // a surrogate is no character
}

// Every character of a set, and no other, is in the sequences that spell it.
TEST(Regex, SequencesSpellExactlyTheSet) {
  const CharacterSet set = {{0x41, 0x45},     {0x7F, 0x80},      {0x7FE, 0x801},
                            {0xD7FF, 0xE000}, {0xFFFF, 0x10000}, {0x10FFFF, 0x10FFFF}};
  std::uint64_t spelled = 0;
  for (const ByteSequence& sequence : utf8_sequences(set)) {
    std::uint64_t product = 1;
    for (const ByteRange& range : sequence) product *= range.last - range.first + 1U;
    spelled += product;
  }
  EXPECT_EQ(spelled, 5U + 2U + 4U + 2U + 2U + 1U);
}

TEST(Regex, RefusesWhatNoAutomatonFollowsAndSaysWhere) {
  for (const char* pattern : {"(?=a)b", "(?<!a)b", "\\bword", "(a)\\1", "\\p{L}"}) {
    const auto compiled = compile_regex(pattern);
    ASSERT_FALSE(compiled) << pattern;
    EXPECT_EQ(compiled.error().code, ErrorCode::unsupported) << pattern;
    EXPECT_NE(compiled.error().message.find("at byte"), std::string::npos);
  }
  for (const char* pattern : {"(", "a)", "[a", "*a", "a**", "[z-a]", "\\", "a{3,2}", "\\u12"}) {
    const auto compiled = compile_regex(pattern);
    ASSERT_FALSE(compiled) << pattern;
    EXPECT_EQ(compiled.error().code, ErrorCode::bad_input) << pattern;
  }
}

// Patterns on which backtracking takes exponential time are read in linear time; those whose automaton is exponential
// are refused, both at once.
TEST(Regex, CatastrophesEndSoon) {
  std::string many(20000, 'a');
  many.back() = 'b';
  EXPECT_FALSE(matches("^(a|aa)+$", many));
  EXPECT_TRUE(matches("^(a*)*b$", many));
  EXPECT_FALSE(compile_regex("((a{1,100}){1,100}){1,100}"));
  EXPECT_FALSE(compile_regex("(.*a.{20})$"));
}

TEST(Automaton, BooleanAlgebra) {
  const Automaton a = value_or_throw(compile_regex("^[a-f]+$")), b = value_or_throw(compile_regex("^.{2}$"));
  const Automaton both = intersect(a, b), either = unite(a, b), only = subtract(a, b);
  for (const std::string text : {"", "a", "ab", "xy", "abc", "x"}) {
    EXPECT_EQ(both->accepts(text), a->accepts(text) && b->accepts(text)) << text;
    EXPECT_EQ(either->accepts(text), a->accepts(text) || b->accepts(text)) << text;
    EXPECT_EQ(only->accepts(text), a->accepts(text) && !b->accepts(text)) << text;
  }
  EXPECT_TRUE(subtract(a, a)->is_empty());
}

TEST(Automaton, ListsFewTextsOnly) {
  const std::vector<std::string> texts = {"one", "two", "twofold"};
  auto few = few_texts(*literal_texts(texts), 5);
  ASSERT_TRUE(few);
  std::sort(few->begin(), few->end());
  EXPECT_EQ(*few, texts);
  EXPECT_FALSE(few_texts(*literal_texts(texts), 2));
  EXPECT_FALSE(few_texts(*value_or_throw(compile_regex("^a+$")), 1000));
}

}  // namespace
}  // namespace hone::text
