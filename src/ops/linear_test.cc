#include "ops/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ops/embed.h"
#include "ops/gemm.h"
#include "ops/ops_testing.h"

namespace hone::ops {
namespace {

using tensor::Exec;
using tensor::Tensor;

// op(a) op(b) in f64; [m, k] by [k, n].
std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b, std::int64_t m,
                            std::int64_t k) {
  const std::int64_t n = static_cast<std::int64_t>(b.size()) / k;
  std::vector<double> c(static_cast<std::size_t>(m * n));
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t l = 0; l < k; ++l) {
      for (std::int64_t j = 0; j < n; ++j) {
        c[static_cast<std::size_t>(i * n + j)] +=
            a[static_cast<std::size_t>(i * k + l)] * b[static_cast<std::size_t>(l * n + j)];
      }
    }
  }
  return c;
}

std::vector<double> wide(const Tensor& t) { return {t.f32(), t.f32() + t.shape().count()}; }

std::vector<double> flipped(const std::vector<double>& a, std::int64_t rows) {
  const std::int64_t columns = static_cast<std::int64_t>(a.size()) / rows;
  std::vector<double> result(a.size());
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      result[static_cast<std::size_t>(j * rows + i)] = a[static_cast<std::size_t>(i * columns + j)];
    }
  }
  return result;
}

std::vector<double> plus(std::vector<double> a, const std::vector<double>& b, double factor) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
  return a;
}

void expect_near(const Tensor& got, const std::vector<double>& want) {
  ASSERT_EQ(static_cast<std::size_t>(got.shape().count()), want.size());
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double d = static_cast<double>(got.f32()[i]) - want[i];
    error += d * d;
    norm += want[i] * want[i];
  }
  EXPECT_LE(std::sqrt(error), 2e-6 * std::sqrt(norm));
}

struct Case {
  std::int64_t rows;
  int threads;
};

// Few rows (own kernel), some (cut by columns) and many (cut by rows), on one to three threads.
class LinearCases : public testing::TestWithParam<Case> {
 protected:
  static constexpr std::int64_t in = 70;
  static constexpr std::int64_t out = 300;
  static constexpr std::int64_t rank = 5;
  Exec exec{GetParam().threads};
  std::int64_t rows = GetParam().rows;
  Tensor x = random({rows, in}, 1);
  Tensor w = random({out, in}, 2);
  Weight weight = Weight::from_f32(w.copy());
  Tensor a = random({rank, in}, 3);
  Tensor b = random({out, rank}, 4);
  Lora lora{a.view(), b.view(), 1.75F};
};

TEST_P(LinearCases, ForwardIsTheMapPlusTheLowRankUpdate) {
  Tensor y = Tensor::empty({rows, out});
  Tensor t = Tensor::empty({rows, rank});
  linear(exec, x.view(), weight, &lora, {y.view(), Into::set, t.view()});
  const auto base = product(wide(x), flipped(wide(w), out), rows, in);
  const auto down = product(wide(x), flipped(wide(a), rank), rows, in);
  const auto whole = plus(base, product(down, flipped(wide(b), out), rows, rank), 1.75);
  expect_near(t, down);
  expect_near(y, whole);
  linear(exec, x.view(), weight, nullptr, {y.view(), Into::add, {}});
  expect_near(y, plus(whole, base, 1));
}

TEST_P(LinearCases, BackwardIsTheTransposedMap) {
  Tensor dy = random({rows, out}, 5);
  Tensor t = Tensor::empty({rows, rank});
  Tensor y = Tensor::empty({rows, out});
  linear(exec, x.view(), weight, &lora, {y.view(), Into::set, t.view()});
  Tensor dx = random({rows, in}, 6);
  Tensor da = random({rank, in}, 7);
  Tensor db = random({out, rank}, 8);
  const auto u = product(wide(dy), wide(b), rows, out);
  const auto want_dx =
      plus(plus(wide(dx), product(wide(dy), wide(w), rows, out), 1), product(u, wide(a), rows, rank), 1.75);
  const auto want_da = plus(wide(da), product(flipped(u, rows), wide(x), rank, rows), 1.75);
  const auto want_db = plus(wide(db), product(flipped(wide(dy), rows), wide(t), out, rows), 1.75);
  linear_backward(exec, weight, &lora, {dy.view(), x.view(), t.view(), dx.view(), Into::add, da.view(), db.view()});
  expect_near(dx, want_dx);
  expect_near(da, want_da);
  expect_near(db, want_db);
}

TEST_P(LinearCases, SameBitsEveryTime) {
  Tensor first = Tensor::empty({rows, out});
  Tensor t = Tensor::empty({rows, rank});
  linear(exec, x.view(), weight, &lora, {first.view(), Into::set, t.view()});
  for (int i = 0; i < 3; ++i) {
    Tensor again = Tensor::empty({rows, out});
    linear(exec, x.view(), weight, &lora, {again.view(), Into::set, t.view()});
    EXPECT_EQ(std::memcmp(first.f32(), again.f32(), first.bytes()), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LinearCases,
                         testing::Values(Case{1, 1}, Case{1, 2}, Case{3, 2}, Case{7, 3}, Case{8, 2}, Case{9, 2},
                                         Case{60, 3}, Case{300, 1}, Case{301, 2}, Case{400, 3}),
                         [](const auto& tested) {
                           return "rows" + std::to_string(tested.param.rows) + "threads" +
                                  std::to_string(tested.param.threads);
                         });

TEST(Linear, NoRowsIsNoWork) {
  Exec exec(2);
  const Weight weight = Weight::from_f32(random({4, 3}, 1));
  Tensor none = Tensor::empty({0, 3});
  Tensor y = Tensor::empty({0, 4});
  linear(exec, none.view(), weight, nullptr, {y.view(), Into::set, {}});
}

TEST(Linear, WrongShapesAreABug) {
  Exec exec(1);
  const Weight weight = Weight::from_f32(random({4, 3}, 1));
  Tensor x = random({2, 5}, 1);
  Tensor y = Tensor::empty({2, 4});
  EXPECT_THROW(linear(exec, x.view(), weight, nullptr, {y.view(), Into::set, {}}), std::logic_error);
}

TEST(Embed, TakesRowsAndRefusesIdsOutside) {
  Exec exec(1);
  const Tensor table = random({6, 3}, 1);
  const Weight weight = Weight::from_f32(table.copy());
  const std::vector<std::int32_t> ids = {5, 0, 5};
  Tensor out = Tensor::empty({3, 3});
  embed(exec, weight, ids, out.view());
  EXPECT_EQ(out.f32()[0], table.f32()[15]);
  EXPECT_EQ(out.f32()[3], table.f32()[0]);
  std::vector<float> dots(3);
  embed_dot(exec, weight, table.f32(), ids, dots);
  EXPECT_FLOAT_EQ(dots[1],
                  table.f32()[0] * table.f32()[0] + table.f32()[1] * table.f32()[1] + table.f32()[2] * table.f32()[2]);
  const std::vector<std::int32_t> bad = {6};
  Tensor one = Tensor::empty({1, 3});
  EXPECT_THROW(embed(exec, weight, bad, one.view()), Failure);
  EXPECT_THROW(embed_dot(exec, weight, table.f32(), bad, std::span(dots).first(1)), Failure);
}

}  // namespace
}  // namespace hone::ops
