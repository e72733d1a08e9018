// Every kind of weight computes what the f32 kind does with the widened values.
#include "ops/weight.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/rng.h"
#include "ops/embed.h"
#include "ops/linear.h"
#include "ops/ops_testing.h"
#include "ops/weight_writer.h"

namespace hone::ops {
namespace {

using tensor::Exec;
using tensor::GgmlType;
using tensor::Tensor;

// Blocks of any type made of random bytes; their scales, where f16 or exponents lie, are small numbers.
Weight random_blocks(GgmlType type, tensor::Shape shape, std::uint64_t seed) {
  const tensor::BlockLayout layout = tensor::layout_of(type);
  const std::int64_t bytes = shape.count() / layout.values * layout.bytes;
  Tensor blocks = Tensor::empty({bytes}, tensor::DType::u8);
  auto* data = static_cast<std::uint8_t*>(blocks.view().data);
  Rng rng(seed);
  // An exponent byte under 0x3C is a magnitude under 1 in f16, bf16 and f32 alike.
  for (std::int64_t i = 0; i < bytes; ++i)
    data[i] = static_cast<std::uint8_t>((static_cast<unsigned>(rng.next() >> 40) & 0x83U) | 0x30U);
  return Weight::from_blocks(type, shape, std::move(blocks));
}

Weight written(WeightKind kind, tensor::Shape shape) {
  Exec exec(2);
  WeightWriter writer(kind, shape);
  const Tensor values = random(shape, 2);
  writer.put(exec, 0, values.view());
  return writer.finish();
}

struct Case {
  std::string name;
  WeightKind kind;
  GgmlType type = GgmlType::f32;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases = {{"bf16", WeightKind::blocks, GgmlType::bf16},
                             {"nf4", WeightKind::nf4},
                             {"nf4double", WeightKind::nf4_double},
                             {"int8", WeightKind::int8}};
  for (const auto& facts : tensor::ggml_types())
    cases.push_back({"as" + std::string(facts.name), WeightKind::blocks, facts.type});
  return cases;
}

Weight make(const Case& tested, tensor::Shape shape) {
  return tested.name.starts_with("as") ? random_blocks(tested.type, shape, 3) : written(tested.kind, shape);
}

Weight f32_of(const Weight& weight) {
  Tensor values = Tensor::empty({weight.out(), weight.in()});
  weight.widen(0, weight.out(), values.f32());
  return Weight::from_f32(std::move(values));
}

bool same(const Tensor& a, const Tensor& b) { return std::memcmp(a.f32(), b.f32(), a.bytes()) == 0; }

void expect_close(const Tensor& a, const Tensor& b) {
  double error = 0;
  double norm = 0;
  for (std::int64_t i = 0; i < a.shape().count(); ++i) {
    const double wanted = b.f32()[i];
    error += std::pow(a.f32()[i] - wanted, 2);
    norm += wanted * wanted;
  }
  ASSERT_TRUE(std::isfinite(norm) && norm > 0);
  EXPECT_LE(std::sqrt(error), 1e-6 * std::sqrt(norm));
}

class WeightKinds : public testing::TestWithParam<Case> {};

struct Results {
  Tensor y, dx, da, db;
};

Results run(const Weight& weight, std::int64_t rows) {
  constexpr std::int64_t rank = 4;
  Exec exec(2);
  const Tensor x = random({rows, weight.in()}, 4);
  const Tensor dy = random({rows, weight.out()}, 5);
  const Tensor a = random({rank, weight.in()}, 6);
  const Tensor b = random({weight.out(), rank}, 7);
  const Lora lora{a.view(), b.view(), 1.5F};
  Tensor t = Tensor::empty({rows, rank});
  Results r{Tensor::empty({rows, weight.out()}), Tensor::empty({rows, weight.in()}), Tensor::zeros({rank, weight.in()}),
            Tensor::zeros({weight.out(), rank})};
  linear(exec, x.view(), weight, &lora, {r.y.view(), Into::set, t.view()});
  linear_backward(exec, weight, &lora,
                  {dy.view(), x.view(), t.view(), r.dx.view(), Into::set, r.da.view(), r.db.view()});
  return r;
}

// One row to three (own kernel), some and many.
TEST_P(WeightKinds, MapsAsItsWidenedValuesDoBitForBit) {
  const Weight weight = make(GetParam(), {130, 256});
  EXPECT_EQ(weight.kind(), GetParam().kind);
  const Weight plain = f32_of(weight);
  EXPECT_LE(weight.bytes(), plain.bytes());
  for (const std::int64_t rows : {1, 3, 40, 300}) {
    SCOPED_TRACE(rows);
    const Results got = run(weight, rows);
    const Results want = run(plain, rows);
    EXPECT_TRUE(same(got.y, want.y));
    EXPECT_TRUE(same(got.dx, want.dx));
    EXPECT_TRUE(same(got.da, want.da));
    EXPECT_TRUE(same(got.db, want.db));
  }
}

TEST_P(WeightKinds, LooksUpItsWidenedRows) {
  Exec exec(2);
  const Weight weight = make(GetParam(), {20, 256});
  const Weight plain = f32_of(weight);
  const std::vector<std::int32_t> ids = {19, 0, 7};
  Tensor got = Tensor::empty({3, 256});
  Tensor want = Tensor::empty({3, 256});
  embed(exec, weight, ids, got.view());
  embed(exec, plain, ids, want.view());
  EXPECT_TRUE(same(got, want));
  const Tensor x = random({1, 256}, 8);
  std::vector<float> dots(3);
  std::vector<float> want_dots(3);
  embed_dot(exec, weight, x.f32(), ids, dots);
  embed_dot(exec, plain, x.f32(), ids, want_dots);
  EXPECT_EQ(dots, want_dots);
}

INSTANTIATE_TEST_SUITE_P(All, WeightKinds, testing::ValuesIn(all_cases()),
                         [](const auto& tested) { return tested.param.name; });

TEST(Weight, TakesWhatWasSaidBefore) {
  const tensor::Shape shape = {130, 96};
  for (const WeightKind kind : {WeightKind::f32, WeightKind::blocks, WeightKind::nf4, WeightKind::nf4_double,
                                WeightKind::int8, WeightKind::int8_steps}) {
    const Weight weight = written(kind, shape);
    EXPECT_EQ(written_bytes(kind, shape), weight.bytes()) << static_cast<int>(kind);
  }
}

// A matrix of more than one tile (a head): its columns are cut, its gradients summed tile by tile.
TEST(Weight, LargeOnesAreWidenedInTiles) {
  const Weight weight = written(WeightKind::int8, {33000, 192});
  const Results got = run(weight, 10);
  const Results want = run(f32_of(weight), 10);
  expect_close(got.y, want.y);
  expect_close(got.dx, want.dx);
  expect_close(got.da, want.da);
  expect_close(got.db, want.db);
}

// bitsandbytes' vector-wise int8: the largest magnitude of a row is 127 steps, halves go to the even one.
TEST(Weight, Int8RoundsToStepsOfARow) {
  Exec exec(1);
  Tensor values = Tensor::zeros({3, 64});
  values.f32()[0] = -254;
  values.f32()[1] = 3;
  values.f32()[2] = 5;
  values.f32()[64] = 1e-3F;
  WeightWriter writer(WeightKind::int8, values.shape());
  writer.put(exec, 0, std::as_const(values).view());
  const Weight weight = writer.finish();
  std::vector<float> got(3 * 64);
  weight.widen(0, 3, got.data());
  EXPECT_EQ(got[0], -254);
  EXPECT_EQ(got[1], 4);  // 1.5 steps of 2
  EXPECT_EQ(got[2], 4);  // 2.5 steps
  EXPECT_NEAR(got[64], 1e-3, 1e-9);
  EXPECT_EQ(got[128], 0);
  EXPECT_EQ(weight.bytes(), 3 * 64 + 3 * 4U);
}

TEST(Weight, SmallerKindsAreSmaller) {
  const tensor::Shape shape = {128, 256};
  const auto bits = [&](WeightKind kind) {
    return static_cast<double>(written(kind, shape).bytes()) * 8 / static_cast<double>(shape.count());
  };
  EXPECT_EQ(bits(WeightKind::f32), 32);
  EXPECT_EQ(bits(WeightKind::blocks), 16);
  EXPECT_EQ(bits(WeightKind::int8), 8.125);
  EXPECT_EQ(bits(WeightKind::nf4), 4.5);
  EXPECT_NEAR(bits(WeightKind::nf4_double), 4.127, 0.001);
}

}  // namespace
}  // namespace hone::ops
