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

PackedSteps packed(const Tensor& values, std::int64_t span = 32) {
  PackedSteps steps(values.shape()[0], values.shape()[1], span);
  for (std::int64_t n = 0; n < steps.outer(); ++n) steps.put(n, values.f32() + n * steps.inner());
  return steps;
}

// scale step + offset.
double value_of(const StepRows& rows, std::int64_t m, std::int64_t k) {
  const std::int64_t at = m * rows.spans + k / rows.span;
  return static_cast<double>(rows.scales[at]) * rows.steps[m * rows.groups * step_group + k] +
         static_cast<double>(rows.offsets[at]);
}

struct Case {
  std::int64_t rows, outer, inner, span;
};

class StepProducts : public testing::TestWithParam<Case> {
 protected:
  // y += x w^T of rounded values, against sums in f64, with the product `run`.
  template <class Run>
  void check(const Run& run) {
    const auto [rows, outer, inner, span] = GetParam();
    Exec exec(1);
    tensor::Arena::Scope scope(exec.arena());
    const Tensor x = random({rows, inner}, 1);
    const PackedSteps w = packed(random({outer, inner}, 4), span);
    const StepRows steps = take_step_rows(exec.arena(), rows, inner, span);
    round_rows_here(x.f32(), steps, {0, rows});
    Tensor y = random({rows, outer}, 5);
    const Tensor before = y.copy();
    run(StepProduct{steps, &w, y.f32(), outer, Into::add}, RowRange{0, rows}, RowRange{0, w.panels()});
    std::vector<float> line(static_cast<std::size_t>(inner));
    for (std::int64_t n = 0; n < outer; ++n) {
      w.get(n, line.data());
      for (std::int64_t m = 0; m < rows; ++m) {
        double want = static_cast<double>(before.f32()[m * outer + n]);
        double size = 1;
        for (std::int64_t k = 0; k < inner; ++k) {
          const double term = value_of(steps, m, k) * static_cast<double>(line[static_cast<std::size_t>(k)]);
          want += term;
          size += std::fabs(term);
        }
        EXPECT_NEAR(static_cast<double>(y.f32()[m * outer + n]), want, 1e-6 * size) << m << " " << n;
      }
    }
  }
};

TEST_P(StepProducts, EqualTheSumsOfTheirRoundedValues) { check(step_product_here); }

INSTANTIATE_TEST_SUITE_P(Shapes, StepProducts,
                         testing::Values(Case{1, 64, 64, 32}, Case{13, 70, 37, 32}, Case{7, 5, 3, 32},
                                         Case{300, 192, 576, 32}, Case{2, 200, 1536, 32}, Case{9, 70, 300, 128},
                                         Case{20, 64, 576, longest_span}, Case{3, 40, 37, longest_span}));

TEST(StepRows, TheLargestSumsFit) {
  Exec exec(1);
  tensor::Arena::Scope scope(exec.arena());
  Tensor ones = Tensor::empty({1, longest_span});
  std::fill(ones.f32(), ones.f32() + longest_span, 1.0F);
  const PackedSteps w = packed(ones, longest_span);
  const StepRows steps = take_step_rows(exec.arena(), 1, longest_span, longest_span);
  round_rows_here(ones.f32(), steps, {0, 1});
  float y = 0;
  step_product_here({steps, &w, &y, 1, Into::set}, {0, 1}, {0, 1});
  EXPECT_FLOAT_EQ(y, longest_span);
}

TEST(StepRows, EveryValueIsWithinHalfAStep) {
  Exec exec(1);
  tensor::Arena::Scope scope(exec.arena());
  Tensor x = random({5, 100}, 1);
  for (std::int64_t k = 0; k < 100; ++k) x.f32()[k] = std::fabs(x.f32()[k]);  // a row above 0
  const StepRows steps = take_step_rows(exec.arena(), 5, 100, 32);
  round_rows_here(x.f32(), steps, {0, 5});
  for (std::int64_t m = 0; m < 5; ++m)
    for (std::int64_t k = 0; k < 100; ++k)
      EXPECT_NEAR(value_of(steps, m, k), static_cast<double>(x.f32()[m * 100 + k]),
                  0.501 * static_cast<double>(steps.scales[m * steps.spans + k / steps.span]) + 1e-6);
}

TEST(StepRows, AValueThatIsNotFiniteIsNotLost) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::int64_t at : {0, 33}) {
      Exec exec(1);
      tensor::Arena::Scope scope(exec.arena());
      Tensor x = random({1, 34}, 1);
      x.f32()[at] = bad;
      const PackedSteps w = packed(random({4, 34}, 2));
      const StepRows steps = take_step_rows(exec.arena(), 1, 34, 32);
      round_rows_here(x.f32(), steps, {0, 1});
      std::array<float, 4> y{};
      step_product_here({steps, &w, y.data(), 4, Into::set}, {0, 1}, {0, 1});
      for (const float value : y) EXPECT_TRUE(std::isnan(value));
    }
  }
}

TEST(StepRows, ARowOfZerosStaysZero) {
  Exec exec(1);
  tensor::Arena::Scope scope(exec.arena());
  const Tensor x = Tensor::zeros({1, 20});
  const PackedSteps w = packed(random({4, 20}, 2));
  const StepRows steps = take_step_rows(exec.arena(), 1, 20, 32);
  round_rows_here(x.f32(), steps, {0, 1});
  std::array<float, 4> y = {1, 1, 1, 1};
  step_product_here({steps, &w, y.data(), 4, Into::set}, {0, 1}, {0, 1});
  for (const float value : y) EXPECT_EQ(value, 0.0F);
}

// As a full block of Q4_1 has them: 16 levels between its least and its greatest value.
TEST(PackedSteps, SixteenLevelsAreKept) {
  Tensor values = Tensor::zeros({1, 32});
  for (std::int64_t i = 0; i < 32; ++i) values.f32()[i] = 0.75F * static_cast<float>(i * 7 % 16) - 3.0F;
  const PackedSteps w = packed(values);
  std::vector<float> row(32);
  w.get(0, row.data());
  for (std::int64_t k = 0; k < 32; ++k) EXPECT_NEAR(row[static_cast<std::size_t>(k)], values.f32()[k], 1e-6);
}

TEST(PackedSteps, ValuesOnTheGridAreKept) {
  Tensor values = Tensor::zeros({2, 64});
  for (std::int64_t i = 0; i < 128; ++i) values.f32()[i] = 0.25F * static_cast<float>(i % 32 * 8 - 121);
  const PackedSteps w = packed(values);
  std::vector<float> row(64);
  for (std::int64_t n = 0; n < 2; ++n) {
    w.get(n, row.data());
    for (std::int64_t k = 0; k < 64; ++k) EXPECT_FLOAT_EQ(row[static_cast<std::size_t>(k)], values.f32()[n * 64 + k]);
  }
}

TEST(PackedSteps, TheTransposeHoldsTheSameValuesWithinHalfAStep) {
  Exec exec(2);
  const PackedSteps w = packed(random({130, 67}, 9));
  const PackedSteps t = w.transposed(exec, 64);
  ASSERT_EQ(t.outer(), 67);
  ASSERT_EQ(t.inner(), 130);
  std::vector<float> row(67), column(130);
  for (std::int64_t n = 0; n < 130; ++n) {
    w.get(n, row.data());
    for (std::int64_t k = 0; k < 67; ++k) {
      t.get(k, column.data());
      EXPECT_NEAR(column[static_cast<std::size_t>(n)], row[static_cast<std::size_t>(k)], 4.5 / 254);
    }
  }
}

}  // namespace
}  // namespace hone::ops
