#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tensor/arena.h"
#include "tensor/exec.h"

namespace hone::tensor {
namespace {

TEST(Shape, CountsAndPrintsItsDimensions) {
  const Shape shape = {3, 4, 5};
  EXPECT_EQ(shape.count(), 60);
  EXPECT_EQ(shape.text(), "[3, 4, 5]");
  EXPECT_EQ(Shape().count(), 1);
  EXPECT_EQ((Shape{0, 7}).count(), 0);
  EXPECT_THROW(Shape({-1}), std::logic_error);
  EXPECT_THROW((void)Shape({INT64_MAX / 4, 16}).count(), std::logic_error);
}

TEST(Tensor, OwnsAlignedMemoryAndMoves) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  Tensor tensor = Tensor::from(values, {3, 2});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.f32()) % 64, 0U);
  EXPECT_EQ(tensor.bytes(), 24U);
  Tensor moved = std::move(tensor);
  EXPECT_EQ(moved.f32()[5], 6);
  EXPECT_EQ(tensor.bytes(), 0U);
  Tensor copied = moved.copy();
  moved.f32()[0] = 9;
  EXPECT_EQ(copied.f32()[0], 1);
}

TEST(View, RowsAreASliceOfTheFirstDimension) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  Tensor tensor = Tensor::from(values, {3, 2});
  const ConstView rows = std::as_const(tensor).view().rows(1, 3);
  EXPECT_EQ(rows.shape, Shape({2, 2}));
  EXPECT_EQ(rows.f32()[0], 3);
  EXPECT_THROW((void)tensor.view().rows(2, 4), std::logic_error);
  EXPECT_THROW((void)tensor.view().i32(), std::logic_error);
}

TEST(Arena, GivesMemoryBackInScopesAndKeepsItForTheNextPass) {
  Arena arena;
  EXPECT_THROW((void)arena.floats(1), std::logic_error);
  float* first = nullptr;
  {
    const Arena::Scope outer(arena);
    first = arena.floats(100);
    float* inner = nullptr;
    {
      const Arena::Scope scope(arena);
      inner = arena.floats(100);
      inner[99] = 1;
    }
    EXPECT_EQ(arena.floats(100), inner);
    float* large = arena.floats(1 << 22);  // a second chunk: what was taken before stays valid
    large[(1 << 22) - 1] = 2;
    first[0] = 3;
    EXPECT_EQ(first[0], 3);
  }
  float* steady = nullptr;
  for (int pass = 0; pass < 3; ++pass) {
    const Arena::Scope scope(arena);
    float* a = arena.floats(100);
    float* b = arena.floats(1 << 22);
    EXPECT_EQ(b - a, 112);  // one chunk now, 64-byte steps
    if (pass > 0) {
      EXPECT_EQ(a, steady);
    }
    steady = a;
  }
}

TEST(Exec, ScratchGrowsAndIsAWorkersOwn) {
  Exec exec(2);
  std::byte* first = exec.scratch(0, 100);
  std::byte* second = exec.scratch(1, 100);
  EXPECT_NE(first, second);
  EXPECT_EQ(exec.scratch(0, 50), first);
  std::byte* grown = exec.scratch(0, 1 << 20);
  grown[(1 << 20) - 1] = std::byte{1};
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(grown) % 64, 0U);
}

}  // namespace
}  // namespace hone::tensor
