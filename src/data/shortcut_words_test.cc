// Laws of telling words: the association is Fisher's exact test, a planted word comes first and as a shortcut, a word
// that the label's name holds never is one, and chance tells nothing.
#include "data/shortcut_words.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace hone::data {
namespace {

// 400 rows of ten chance words; labels alternate. Answers lean on `word` where it stands, else on the row's number.
OutOfFold answers_leaning_on(const std::string& word) {
  OutOfFold oof;
  oof.labels = {"harmless", "attack"};
  Rng random(7);
  for (std::size_t i = 0; i < 400; ++i) {
    Row row;
    row.id = fmt::format("r{}", i);
    for (int k = 0; k < 10; ++k) row.input += fmt::format("w{} ", random.below(60));
    row.output = oof.labels[i % 2];
    oof.rows.push_back(row);
    oof.given.push_back(i % 2);
  }
  oof.answer = [word](std::size_t row, const std::string& input) {
    const bool says_attack = input.find(word) != std::string::npos || row % 8 == 1;
    return says_attack ? std::vector<double>{.1, .9} : std::vector<double>{.9, .1};
  };
  return oof;
}

void answer_all(OutOfFold& oof) {
  oof.probabilities.clear();
  for (std::size_t i = 0; i < oof.rows.size(); ++i) oof.probabilities.push_back(oof.answer(i, oof.rows[i].input));
}

// In four of five rows of the second label.
void plant(OutOfFold& oof, const std::string& word) {
  for (std::size_t i = 1; i < oof.rows.size(); i += 2) {
    if (i % 10 != 9) oof.rows[i].input = word + ", " + oof.rows[i].input;
  }
  answer_all(oof);
}

TEST(TellingWords, AssociationIsFishersExactTest) {
  // scipy.stats.fisher_exact([[8, 2], [1, 5]], "greater"): .024475524475524476.
  EXPECT_NEAR(log10_fisher({16, 10, 9, 8}), std::log10(0.024475524475524476), 1e-9);
  EXPECT_NEAR(log10_fisher({16, 10, 9, 3}), 0, 1e-9) << "three are certain";
}

TEST(TellingWords, APlantedWordIsAShortcutAndChanceIsNone) {
  OutOfFold oof = answers_leaning_on("kindly");
  answer_all(oof);
  EXPECT_TRUE(telling_words(oof, "Is it an attack?").empty());
  plant(oof, "Kindly");
  oof.answer = answers_leaning_on("kindly").answer;
  for (std::size_t i = 1; i < oof.rows.size(); i += 2) oof.probabilities[i] = {.1, .9};
  const auto words = telling_words(oof, "Is it safe?");
  ASSERT_EQ(words.size(), 1U);
  EXPECT_EQ(words[0].word, "kindly");
  EXPECT_EQ(oof.labels[words[0].label], "attack");
  EXPECT_TRUE(words[0].is_shortcut);
  EXPECT_DOUBLE_EQ(words[0].coverage, .8);
  EXPECT_EQ(words[0].masked, 160U);
  EXPECT_GT(words[0].flipped, 100U);
}

TEST(TellingWords, AWordThatTheTaskNamesIsNoShortcut) {
  OutOfFold oof = answers_leaning_on("attack");
  plant(oof, "attack");
  const auto words = telling_words(oof, "");
  ASSERT_FALSE(words.empty());
  EXPECT_TRUE(words[0].is_named);
  EXPECT_FALSE(words[0].is_shortcut);
  OutOfFold other = answers_leaning_on("urgent");
  plant(other, "urgent");
  EXPECT_TRUE(telling_words(other, "Is it safe?")[0].is_shortcut);
  EXPECT_FALSE(telling_words(other, "Attacks are urgent.")[0].is_shortcut);
}

TEST(TellingWords, AWordOnWhichNoAnswerHangsIsNoShortcut) {
  OutOfFold oof = answers_leaning_on("kindly");
  plant(oof, "kindly");
  oof.answer = [&](std::size_t row, const std::string&) { return oof.probabilities[row]; };
  const auto words = telling_words(oof, "");
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words[0].flipped, 0U);
  EXPECT_FALSE(words[0].is_shortcut);
}

}  // namespace
}  // namespace hone::data
