#include "eval/kappa.h"

#include <gtest/gtest.h>

#include <vector>

namespace hone::eval {
namespace {

TEST(Kappa, ValueAndIntervalAreThoseOfStatsmodels) {
  // statsmodels 0.15, cohens_kappa([[44, 5, 1], [7, 20, 3], [9, 5, 6]]): kappa, kappa_low, kappa_upp.
  const std::vector<std::vector<int>> table = {{44, 5, 1}, {7, 20, 3}, {9, 5, 6}};
  std::vector<std::string> a, b;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      a.insert(a.end(), static_cast<std::size_t>(table[i][j]), std::string(1, static_cast<char>('p' + i)));
      b.insert(b.end(), static_cast<std::size_t>(table[i][j]), std::string(1, static_cast<char>('p' + j)));
    }
  }
  const Agreement found = agreement(a, b);
  EXPECT_EQ(found.rows, 100U);
  EXPECT_NEAR(found.agreement.value, 0.7, 1e-12);
  EXPECT_NEAR(found.kappa.value, 0.49152542372881347, 1e-12);
  EXPECT_NEAR(found.kappa.low, 0.35015820121748686, 1e-9);
  EXPECT_NEAR(found.kappa.high, 0.6328926462401401, 1e-9);
}

TEST(Kappa, FullAgreementIsOneAndOneAnswerThroughoutToo) {
  const std::vector<std::string> a = {"x", "y", "x"};
  EXPECT_DOUBLE_EQ(agreement(a, a).kappa.value, 1);
  EXPECT_DOUBLE_EQ(agreement(a, a).kappa.low, 1);
  const std::vector<std::string> same = {"x", "x"};
  EXPECT_DOUBLE_EQ(agreement(same, same).kappa.value, 1);
  const std::vector<std::string> other = {"y", "x", "y"};
  EXPECT_LT(agreement(a, other).kappa.value, 0);
}

}  // namespace
}  // namespace hone::eval
