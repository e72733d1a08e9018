#include "generate/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace hone::generate {
namespace {

TEST(Sampler, ArgMaxBreaksTiesByTheLowestId) { EXPECT_EQ(arg_max(std::vector<float>{1, 3, 3, 2}), 1); }

TEST(Sampler, LogProbabilitiesSumToOne) {
  const std::vector<float> logits = {100, 99, -50, 101.5F};
  double sum = 0;
  for (int id = 0; id < 4; ++id) sum += std::exp(log_probability(logits, id));
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(Sampler, DrawsInTheSharesOfTheTemperature) {
  const std::vector<float> logits = {0, 1, 2};
  constexpr double temperature = 0.7;
  constexpr int draws = 40000;
  std::vector<int> counts(3, 0);
  Rng rng(2);
  for (int i = 0; i < draws; ++i) ++counts[static_cast<std::size_t>(sample(logits, {temperature, 1}, rng))];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit / temperature);
  for (std::size_t i = 0; i < 3; ++i) {
    const double share = std::exp(logits[i] / temperature) / sum;
    EXPECT_NEAR(counts[i] / static_cast<double>(draws), share, 4 * std::sqrt(share * (1 - share) / draws));
  }
}

TEST(Sampler, NucleusHoldsTheFewestTokensThatReachTopP) {
  // Shares .5, .25, .125, .125: two reach .6, three reach .8.
  const std::vector<float> logits = {0, std::log(2.0F), 0, std::log(4.0F)};
  const auto drawn = [&](double top_p) {
    std::vector<int> counts(4, 0);
    Rng rng(9);
    for (int i = 0; i < 4000; ++i) ++counts[static_cast<std::size_t>(sample(logits, {1, top_p}, rng))];
    return counts;
  };
  const auto two = drawn(0.6);
  EXPECT_EQ(two[0] + two[2], 0);
  EXPECT_NEAR(two[1] / 4000.0, 1.0 / 3, 0.03);
  const auto three = drawn(0.8);
  EXPECT_GT(three[0], 0);
  EXPECT_EQ(three[2], 0);
  const auto one = drawn(1e-9);
  EXPECT_EQ(one[3], 4000);
}

TEST(Sampler, NeverDrawsWhatHasNoShare) {
  const std::vector<float> logits = {0, -std::numeric_limits<float>::infinity(), 0};
  Rng rng(1);
  for (int i = 0; i < 1000; ++i) EXPECT_NE(sample(logits, {1, 1}, rng), 1);
}

}  // namespace
}  // namespace hone::generate
