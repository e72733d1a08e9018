#include "eval/separation.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace hone::eval {
namespace {

TEST(Separation, IsTheShareOfPairsInTheRightOrder) {
  const std::vector<double> high = {0.9, 0.8};
  const std::vector<double> low = {0.1, 0.2, 0.3};
  EXPECT_DOUBLE_EQ(separation(high, low).value, 1);
  EXPECT_DOUBLE_EQ(separation(low, high).value, 0);
  EXPECT_DOUBLE_EQ(separation(low, low).value, 0.5) << "ties count half";
  const std::vector<double> a = {0.35, 0.8};
  const std::vector<double> b = {0.1, 0.4};
  EXPECT_DOUBLE_EQ(separation(a, b).value, 0.75);  // scikit-learn's example of roc_auc_score
}

TEST(Separation, StandardErrorIsHanleyAndMcNeils) {
  // Their table: area .893 of 58 normal and 51 abnormal images has a standard error of .032.
  EXPECT_NEAR(separation_error(0.893, 51, 58), 0.032, 0.0006);
}

TEST(Separation, GuessingIsSeldomTakenForTellingApartAndTheOtherWay) {
  Rng rng(7);
  int low_when_guessing = 0;
  int low_when_apart = 0;
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<double> a, b, apart;
    for (int i = 0; i < 100; ++i) {
      a.push_back(rng.normal());
      b.push_back(rng.normal());
      apart.push_back(rng.normal() + 0.7416);  // a separation of .7
    }
    low_when_guessing += p_separated(separation(a, b).value, 0.7, 100, 100) < 0.05 ? 1 : 0;
    low_when_apart += p_separated(separation(apart, b).value, 0.7, 100, 100) < 0.05 ? 1 : 0;
  }
  EXPECT_GE(low_when_guessing, 290);
  EXPECT_LE(low_when_apart, 30);  // 15 expected
}

}  // namespace
}  // namespace hone::eval
