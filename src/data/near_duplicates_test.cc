#include "data/near_duplicates.h"

#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

using Texts = std::vector<std::string>;

std::vector<std::string_view> views(const Texts& texts) { return {texts.begin(), texts.end()}; }

std::set<std::string> grams_of(const std::string& text) {
  const std::string folded = folded_text(text);
  std::set<std::string> grams;
  for (std::size_t i = 0; i + 5 <= folded.size(); ++i) grams.insert(folded.substr(i, 5));
  return grams;
}

double jaccard(const std::set<std::string>& x, const std::set<std::string>& y) {
  std::size_t common = 0;
  for (const std::string& gram : x) common += y.count(gram);
  return static_cast<double>(common) / static_cast<double>(x.size() + y.size() - common);
}

// Long texts with random words changed, so that similarities spread over the whole range.
std::vector<std::string> noisy_texts(std::size_t n) {
  Rng rng(5);
  std::vector<std::vector<std::string>> bases(12);
  const auto word = [&] { return fmt::format("{:x}w", rng.below(4000)); };
  for (auto& base : bases) {
    for (int i = 0; i < 30; ++i) base.push_back(word());
  }
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::string> words = bases[rng.below(bases.size())];
    const std::uint64_t changes = rng.below(7);
    for (std::uint64_t c = 0; c < changes; ++c) words[rng.below(words.size())] = word();
    texts.push_back(fmt::format("{}", fmt::join(words, " ")));
  }
  return texts;
}

std::vector<std::set<std::string>> all_grams(const std::vector<std::string>& texts) {
  std::vector<std::set<std::string>> grams;
  for (const std::string& text : texts) grams.push_back(grams_of(text));
  return grams;
}

TEST(NearDuplicates, GroupsEqualThoseOfAllPairsComparedOneByOne) {
  const std::vector<std::string> texts = noisy_texts(300);
  const auto grams = all_grams(texts);
  std::vector<std::size_t> expected(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) expected[i] = i;
  std::size_t joined = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (jaccard(grams[i], grams[j]) < 0.8) continue;
      ++joined;
      const std::size_t low = std::min(expected[i], expected[j]);
      const std::size_t high = std::max(expected[i], expected[j]);
      for (std::size_t& group : expected) group = group == high ? low : group;
    }
  }
  EXPECT_GT(joined, 50U);
  EXPECT_EQ(near_duplicate_groups(views(texts)), expected);
}

TEST(NearDuplicates, MatchesEqualThoseOfAllPairsComparedOneByOne) {
  const std::vector<std::string> texts = noisy_texts(200);
  const auto grams = all_grams(texts);
  const std::vector<std::string> references(texts.begin(), texts.begin() + 60);
  const std::vector<std::string> rest(texts.begin() + 60, texts.end());
  const auto found = near_duplicates_of(views(rest), views(references));
  for (std::size_t i = 0; i < rest.size(); ++i) {
    std::optional<std::size_t> expected;
    for (std::size_t j = 0; j < references.size() && !expected; ++j) {
      if (jaccard(grams[60 + i], grams[j]) >= 0.8) expected = j;
    }
    EXPECT_EQ(found[i].has_value(), expected.has_value()) << i;
  }
}

bool are_near(const std::string& a, const std::string& b) {
  return near_duplicate_groups(std::vector<std::string_view>{a, b})[1] == 0;
}

TEST(NearDuplicates, FormDoesNotMatter) {
  EXPECT_TRUE(are_near("Hello, World!", "hello   world"));
  EXPECT_TRUE(are_near("Order 12345 is late", "order 12345 is late."));
  EXPECT_TRUE(are_near("ﬁne Straße", "FINE STRASSE"));
}

TEST(NearDuplicates, ShortTextsMayDifferByOneWordOrOneSlip) {
  EXPECT_TRUE(are_near("Where is my new card?", "Where is my card?"));
  EXPECT_TRUE(are_near("please cancel my latest order", "please cancel my latest orders"));
  EXPECT_TRUE(are_near("What is the current exchange rate?", "What is the current exchange rate for me?"));
  EXPECT_FALSE(are_near("What is the rate of fund 12?", "What is the rate of fund 13?"));
  EXPECT_FALSE(are_near("What is an atom?", "What is an axiom?"));
  EXPECT_FALSE(are_near("cancel my order", "track my order"));
  EXPECT_FALSE(are_near("yes", "no"));
  EXPECT_FALSE(are_near("where is my card", "my card is where"));
}

TEST(NearDuplicates, OtherNumbersMakeAnotherText) {
  EXPECT_FALSE(are_near("Order 12345 is late", "Order 12346 is late"));
  EXPECT_FALSE(are_near("what is 12 plus 7", "what is 12 plus 8"));
  EXPECT_FALSE(are_near("please add 12 and 7", "please add 12 and 7 and 9"));
  EXPECT_FALSE(are_near("what is 12 + 7 ?", "what is 12 - 7 ?"));
  EXPECT_FALSE(are_near("It is -5 degrees in here", "It is 5 degrees in here"));
  EXPECT_FALSE(are_near("2 + 2", "2 - 2"));
  EXPECT_FALSE(are_near("17", "18"));
  EXPECT_FALSE(are_near("A train leaves at 10 and arrives at 15, how long is it under way?",
                        "A train leaves at 11 and arrives at 19, how long is it under way?"));
  EXPECT_TRUE(are_near("please add 12 and 7 now", "add 12 and 7 now"));
}

TEST(NearDuplicates, LongTextsMayDifferInTheirNumbersOnly) {
  const std::string form =
      "Dear customer, your order {} of {} May has left our warehouse and will reach you between {} and {}; please have "
      "somebody at home who can sign for it, or name a neighbour by replying {}.";
  const auto filled = [&](int a, int b, int c, int d, const char* e) {
    return fmt::format(fmt::runtime(form), a, b, c, d, e);
  };
  EXPECT_TRUE(are_near(filled(48151, 3, 9, 12, "40-55"), filled(162342, 28, 14, 17, "7 00 31")));
  EXPECT_FALSE(are_near(filled(48151, 3, 9, 12, "40-55"), "Dear customer, " + filled(1, 2, 3, 4, "nothing at all")));
  // Found as a reference, too, and the first one.
  const std::vector<std::string> references = {"another text altogether", filled(1, 2, 3, 4, "5"),
                                               filled(6, 7, 8, 9, "10")};
  EXPECT_EQ(near_duplicates_of(views({filled(48151, 3, 9, 12, "40-55")}), views(references))[0], 1U);
}

TEST(NearDuplicates, TextsWithoutLettersAreComparedAsTheyAre) {
  EXPECT_TRUE(are_near("😀", " 😀 "));
  EXPECT_FALSE(are_near("😀", "😡"));
  EXPECT_FALSE(are_near("??", "!"));
}

TEST(NearDuplicates, ChainsShareAGroupButOnlyDirectCopiesMatch) {
  const std::string a = "one two three four five six seven";
  const std::string b = "one two three four five six";
  const std::string c = "one two three four five";
  EXPECT_EQ(near_duplicate_groups(std::vector<std::string_view>{a, c, b}), (std::vector<std::size_t>{0, 0, 0}));
  EXPECT_EQ(near_duplicates_of(std::vector<std::string_view>{b, c}, std::vector<std::string_view>{a})[0], 0U);
  EXPECT_FALSE(near_duplicates_of(std::vector<std::string_view>{b, c}, std::vector<std::string_view>{a})[1]);
}

Likeness likeness(const std::string& a, const std::string& b) { return likeness_of(near_text(a), near_text(b)); }

TEST(NearDuplicates, AnyOneWordMayDifferInTextsOfFiveWordsAndMoreWithoutBeingANearDuplicate) {
  EXPECT_EQ(likeness("Where do I change my PIN?", "where do i change my address"), Likeness::one_word);
  EXPECT_EQ(likeness("what is an atom", "what is an axiom"), Likeness::different) << "four words";
  EXPECT_EQ(likeness("please give me 7 of them", "please give me 8 of them"), Likeness::different) << "a number";
  EXPECT_EQ(likeness("please give me seven of them", "please give them me all of"), Likeness::different);
  EXPECT_EQ(likeness("Is there any fee for a card that I order today", "is there a fee for a card that I order today"),
            Likeness::one_word);
  EXPECT_EQ(likeness("Is there any fee?", "IS THERE ANY FEE"), Likeness::identical);
}

TEST(NearDuplicates, EveryPairIsListedWithItsJaccardCopiesIncluded) {
  const Texts texts = {"the quick brown fox jumps over the lazy dog today", "where do I change my PIN",
                       "The quick brown fox jumps over the lazy dog, today", "where do I change my address",
                       "where do I change my PIN?"};
  const auto pairs = near_pairs(views(texts));
  ASSERT_EQ(pairs.size(), 4U);
  EXPECT_EQ(std::pair(pairs[0].first, pairs[0].second), std::pair(std::size_t{0}, std::size_t{2}));
  EXPECT_EQ(pairs[0].likeness, Likeness::identical);
  EXPECT_EQ(pairs[0].jaccard, 1);
  EXPECT_EQ(std::pair(pairs[1].first, pairs[1].second), std::pair(std::size_t{1}, std::size_t{3}));
  EXPECT_EQ(pairs[1].likeness, Likeness::one_word);
  EXPECT_NEAR(pairs[1].jaccard, jaccard(grams_of(texts[1]), grams_of(texts[3])), 1e-12);
  EXPECT_EQ(std::pair(pairs[2].first, pairs[2].second), std::pair(std::size_t{1}, std::size_t{4}));
  EXPECT_EQ(std::pair(pairs[3].first, pairs[3].second), std::pair(std::size_t{3}, std::size_t{4}));
}

// What law and search promise together: pairs at the threshold are found, whatever their length.
TEST(NearDuplicates, PlantedEditsOfOneWordAreFoundAndUnrelatedTextsAreNot) {
  Rng rng(9);
  const auto letters = [&] {
    std::string made = "w";
    for (int i = 0; i < 4; ++i) made += static_cast<char>('a' + rng.below(26));
    return made;
  };
  Texts texts;
  std::size_t planted = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    std::vector<std::string> words;
    for (std::size_t w = 0; w < 5 + i % 36; ++w) words.push_back(letters());
    texts.push_back(fmt::format("{}", fmt::join(words, " ")));
    const std::size_t place = rng.below(words.size());
    if (i % 3 == 0) words[place] = "changed";
    if (i % 3 == 1) words.erase(words.begin() + static_cast<std::ptrdiff_t>(place));
    if (i % 3 == 2) words.insert(words.begin() + static_cast<std::ptrdiff_t>(place), "added");
    texts.push_back(fmt::format("{}!", fmt::join(words, "  ")));
  }
  for (const NearPair& pair : near_pairs(views(texts))) {
    EXPECT_EQ(pair.second, pair.first + 1) << texts[pair.first] << " / " << texts[pair.second];
    planted += 1;
  }
  EXPECT_GE(planted, 395U);
}

}  // namespace
}  // namespace hone::data
