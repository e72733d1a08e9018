#include "classic/two_sample.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace hone::classic {
namespace {

std::vector<data::Row> rows_of(std::uint64_t seed, const std::string& extra, double share) {
  Rng rng(seed);
  std::vector<data::Row> rows;
  for (int i = 0; i < 300; ++i) {
    data::Row row;
    for (int w = 0; w < 8; ++w) row.input += fmt::format("w{} ", rng.below(60));
    if (rng.uniform() < share) row.input += extra;
    row.id = fmt::format("{}-{}", seed, i);
    rows.push_back(std::move(row));
  }
  return rows;
}

TEST(TwoSample, SetsOfOneKindAreNotToldApart) {
  const data::Shift shift = two_sample(rows_of(1, "", 0), rows_of(2, "", 0), {});
  EXPECT_EQ(shift.rows, 300U);
  EXPECT_NEAR(static_cast<double>(shift.right) / 600, 0.5, 0.08);
  EXPECT_GT(shift.log10_p, -3);
  EXPECT_TRUE(shift.words.empty());
}

TEST(TwoSample, AWordOfOneSetTellsThemApartAndIsNamed) {
  const data::Shift shift = two_sample(rows_of(1, "kindly", 0.05), rows_of(2, "kindly", 0.6), {.b = "traffic"});
  EXPECT_GT(shift.right, 420U);
  EXPECT_LT(shift.log10_p, -10);
  ASSERT_FALSE(shift.words.empty());
  EXPECT_EQ(shift.words[0].word, "kindly");
  EXPECT_GT(shift.words[0].in_b, shift.words[0].in_a);
  ASSERT_FALSE(shift.strange.empty());
  EXPECT_NE(shift.strange[0].input.find("kindly"), std::string::npos);
}

TEST(TwoSample, FewRowsSayNothing) {
  auto few = rows_of(2, "", 0);
  few.resize(49);
  EXPECT_EQ(two_sample(rows_of(1, "", 0), few, {}).rows, 0U);
}

TEST(TwoSample, TheBinomialTailIsThatOfTheTables) {
  EXPECT_NEAR(std::pow(10, log10_binomial_tail(8, 10)), 56.0 / 1024, 1e-12);
  EXPECT_NEAR(log10_binomial_tail(5, 10), std::log10(638.0 / 1024), 1e-12);
  EXPECT_EQ(log10_binomial_tail(0, 10), 0);
  EXPECT_NEAR(log10_binomial_tail(1000, 1000), -1000 * std::log10(2.0), 1e-9);
}

}  // namespace
}  // namespace hone::classic
