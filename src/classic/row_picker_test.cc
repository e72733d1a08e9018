#include "classic/row_picker.h"

#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"
#include "fmt/format.h"

namespace hone::classic {
namespace {

// Of 300 texts the first 150 hold words of one theme, the others of another; every tenth holds words of both.
std::vector<std::string> themed_texts() {
  const std::vector<std::vector<std::string>> themes = {{"match", "goal", "team", "coach", "league", "striker"},
                                                        {"oven", "butter", "flour", "sauce", "onion", "baker"}};
  Rng rng(3);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 300; ++i) {
    std::string text;
    for (int w = 0; w < 8; ++w) {
      const std::size_t theme = i % 10 == 0 ? static_cast<std::size_t>(w % 2) : i / 150;
      text += fmt::format("{} x{} ", themes[theme][rng.below(6)], rng.below(400));
    }
    texts.push_back(text);
  }
  return texts;
}

TEST(RowPicker, AsksAboutRowsBetweenTheLabels) {
  RowPicker picker(themed_texts(), 2, 1);
  for (std::size_t i = 1; i < 30; i += 2) {
    picker.know(i, 0);
    picker.know(299 - i, 1);
  }
  std::size_t between = 0;
  const auto chosen = picker.next(15);
  for (const std::size_t row : chosen) between += row % 10 == 0 ? 1 : 0;
  EXPECT_EQ(chosen.size(), 15U);
  EXPECT_GE(between, 6U) << "1.5 by chance";
}

TEST(RowPicker, NeverTakesANearDuplicateOfWhatIsKnownBarredOrChosen) {
  std::vector<std::string> texts = themed_texts();
  const std::string& first = texts[0];
  texts.push_back(first + "!!");
  texts.push_back(texts[1] + " .");
  texts.push_back(texts[2] + "?");
  RowPicker picker(texts, 2, 1);
  picker.know(0, 0);
  picker.bar(1);
  const auto all = picker.next(1000);
  const std::set<std::size_t> taken(all.begin(), all.end());
  EXPECT_EQ(taken.size(), all.size());
  EXPECT_FALSE(taken.contains(0) || taken.contains(300)) << "known, and its copy";
  EXPECT_FALSE(taken.contains(1) || taken.contains(301)) << "barred, and its copy";
  EXPECT_NE(taken.contains(2), taken.contains(302)) << "one of two copies";
}

TEST(RowPicker, TheRandomPartGrowsAndHoldsNoTwoCopies) {
  std::vector<std::string> texts = themed_texts();
  texts.insert(texts.end(), texts.begin(), texts.begin() + 100);
  const RowPicker picker(texts, 2, 1);
  const auto small = picker.random_part(50);
  const auto large = picker.random_part(1000);
  EXPECT_TRUE(std::equal(small.begin(), small.end(), large.begin()));
  EXPECT_EQ(large.size(), 300U);
}

TEST(RowPicker, FirstRowsAreUnlikeEachOther) {
  std::vector<std::string> texts(40, "");
  for (std::size_t i = 0; i < 40; ++i) texts[i] = fmt::format("the same words again and again number {}", i * 7919);
  texts.push_back("quite another thing altogether");
  RowPicker picker(texts, 2, 1);
  picker.know(0, 0);
  EXPECT_EQ(picker.next(1), std::vector<std::size_t>{40});
}

}  // namespace
}  // namespace hone::classic
