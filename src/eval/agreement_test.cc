#include "eval/agreement.h"

#include <gtest/gtest.h>

namespace hone::eval {
namespace {

// scipy.stats.beta.ppf(0.95, k + 1, n - k).
TEST(Agreement, BoundsAreClopperPearsons) {
  EXPECT_NEAR(disagreement_bound(0, 200), 0.014867039231272, 1e-12);
  EXPECT_NEAR(disagreement_bound(2, 500), 0.012537605409673, 1e-12);
  EXPECT_NEAR(disagreement_bound(3, 500), 0.015433734876753, 1e-12);
  EXPECT_EQ(disagreement_bound(5, 5), 1);
  EXPECT_EQ(disagreement_bound(0, 0), 1);
}

TEST(Agreement, NoneIn200OrTwoIn500AreFewEnough) {
  EXPECT_LE(disagreement_bound(0, 200), most_disagreement);
  EXPECT_LE(disagreement_bound(2, 500), most_disagreement);
  EXPECT_GT(disagreement_bound(3, 500), most_disagreement);
  EXPECT_GT(disagreement_bound(0, 198), most_disagreement);
}

}  // namespace
}  // namespace hone::eval
