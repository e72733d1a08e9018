#include "ops/int8_steps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ops/ops_testing.h"

namespace hone::ops {
namespace {

using tensor::Exec;
using tensor::Tensor;

PackedSteps random_steps(std::int64_t outer, std::int64_t inner, std::uint64_t seed) {
  PackedSteps packed(outer, inner);
  Rng rng(seed);
  std::vector<std::int8_t> row(static_cast<std::size_t>(inner));
  for (std::int64_t n = 0; n < outer; ++n) {
    for (std::int8_t& step : row) step = static_cast<std::int8_t>(static_cast<int>(rng.below(255)) - 127);
    packed.put(n, row.data());
  }
  return packed;
}

struct Case {
  std::int64_t rows, outer, inner;
};

class StepProducts : public testing::TestWithParam<Case> {};

TEST_P(StepProducts, EqualTheSumsOfTheirRoundedValues) {
  const auto [rows, outer, inner] = GetParam();
  Exec exec(1);
  tensor::Arena::Scope scope(exec.arena());
  const Tensor x = random({rows, inner}, 1);
  const Tensor factor_in = random({inner}, 2);
  const Tensor factor_out = random({outer}, 3);
  const PackedSteps q = random_steps(outer, inner, 4);
  const StepRows steps = take_step_rows(exec.arena(), rows, inner);
  round_rows_here({x.f32(), inner, factor_in.f32(), steps}, 0, rows);
  Tensor y = random({rows, outer}, 5);
  const Tensor before = y.copy();
  step_product_here({steps, &q, factor_out.f32(), y.f32(), outer, Matvec::Into::add}, {0, rows}, {0, q.panels()});

  std::vector<std::int8_t> line(static_cast<std::size_t>(inner));
  for (std::int64_t m = 0; m < rows; ++m) {
    const float scale = steps.scale[m];
    for (std::int64_t k = 0; k < inner; ++k) {
      const double rounded = static_cast<double>(scale) * (steps.steps[m * steps.stride + k] - steps.zero[m]);
      const double value = static_cast<double>(x.f32()[m * inner + k]) * static_cast<double>(factor_in.f32()[k]);
      EXPECT_NEAR(rounded, value, 0.501 * static_cast<double>(scale)) << m << " " << k;
    }
    for (std::int64_t n = 0; n < outer; ++n) {
      q.get(n, line.data());
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < inner; ++k)
        sum += (steps.steps[m * steps.stride + k] - steps.zero[m]) * line[static_cast<std::size_t>(k)];
      const double want =
          static_cast<double>(sum) * static_cast<double>(scale) * static_cast<double>(factor_out.f32()[n]) +
          static_cast<double>(before.f32()[m * outer + n]);
      EXPECT_NEAR(static_cast<double>(y.f32()[m * outer + n]), want, 1e-6 * std::fabs(want) + 1e-5) << m << " " << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, StepProducts,
                         testing::Values(Case{1, 64, 64}, Case{13, 70, 37}, Case{7, 5, 3}, Case{600, 192, 576},
                                         Case{2, 200, 1536}));

TEST(StepRows, TheLargestSumsFit) {
  Exec exec(1);
  tensor::Arena::Scope scope(exec.arena());
  PackedSteps q(1, most_inner);
  q.put(0, std::vector<std::int8_t>(most_inner, 127).data());
  Tensor x = Tensor::zeros({1, most_inner});
  std::fill(x.f32(), x.f32() + most_inner, 1.0F);
  const std::vector<float> ones(most_inner, 1.0F);
  const StepRows steps = take_step_rows(exec.arena(), 1, most_inner);
  round_rows_here({x.f32(), most_inner, ones.data(), steps}, 0, 1);
  float y = 0;
  step_product_here({steps, &q, ones.data(), &y, 1, Matvec::Into::set}, {0, 1}, {0, 1});
  EXPECT_FLOAT_EQ(y, 127.0F * most_inner);
}

TEST(StepRows, AValueThatIsNotFiniteIsNotLost) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::int64_t at : {0, 33}) {
      Exec exec(1);
      tensor::Arena::Scope scope(exec.arena());
      Tensor x = random({1, 34}, 1);
      x.f32()[at] = bad;
      const PackedSteps q = random_steps(4, 34, 2);
      const std::vector<float> ones(34, 1.0F);
      const StepRows steps = take_step_rows(exec.arena(), 1, 34);
      round_rows_here({x.f32(), 34, ones.data(), steps}, 0, 1);
      std::array<float, 4> y{};
      step_product_here({steps, &q, ones.data(), y.data(), 4, Matvec::Into::set}, {0, 1}, {0, 1});
      for (const float value : y) EXPECT_TRUE(std::isnan(value));
    }
  }
}

TEST(StepRows, ARowOfZerosStaysZero) {
  Exec exec(1);
  tensor::Arena::Scope scope(exec.arena());
  const Tensor x = Tensor::zeros({1, 20});
  const PackedSteps q = random_steps(4, 20, 2);
  const std::vector<float> ones(20, 1.0F);
  const StepRows steps = take_step_rows(exec.arena(), 1, 20);
  round_rows_here({x.f32(), 20, ones.data(), steps}, 0, 1);
  std::array<float, 4> y = {1, 1, 1, 1};
  step_product_here({steps, &q, ones.data(), y.data(), 4, Matvec::Into::set}, {0, 1}, {0, 1});
  for (const float value : y) EXPECT_EQ(value, 0.0F);
}

TEST(PackedSteps, TransposingTwiceGivesThemBack) {
  Exec exec(2);
  const PackedSteps q = random_steps(130, 67, 9);
  const PackedSteps t = q.transposed(exec);
  const PackedSteps back = t.transposed(exec);
  std::vector<std::int8_t> a(67), b(67), column(130);
  for (std::int64_t n = 0; n < 130; ++n) {
    q.get(n, a.data());
    back.get(n, b.data());
    EXPECT_EQ(a, b);
    for (std::int64_t k = 0; k < 67; ++k) {
      t.get(k, column.data());
      EXPECT_EQ(column[static_cast<std::size_t>(n)], a[static_cast<std::size_t>(k)]);
    }
  }
}

}  // namespace
}  // namespace hone::ops
