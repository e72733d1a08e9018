// Tensors: Tensor owns memory, View and ConstView borrow it. Row-major, contiguous, at most 4 dimensions, CPU.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"

namespace hone::tensor {

enum class DType : std::uint8_t { f32, f16, bf16, i32, u8 };
std::size_t size_of(DType dtype);
const char* name_of(DType dtype);

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);
  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(i)]; }
  std::int64_t count() const;  // product of the dimensions; 1 for rank 0
  bool operator==(const Shape& other) const = default;
  std::string text() const;  // "[3, 576]"

 private:
  std::array<std::int64_t, 4> dims_{};
  int rank_ = 0;
};

// Borrowed, read-only.
struct ConstView {
  const void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;
  const float* f32() const;  // HONE_CHECKs the dtype
  const std::int32_t* i32() const;
  // Rows [begin, end) of the first dimension.
  ConstView rows(std::int64_t begin, std::int64_t end) const;
};

// Borrowed, writable.
struct View {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;
  float* f32() const;
  std::int32_t* i32() const;
  View rows(std::int64_t begin, std::int64_t end) const;
  operator ConstView() const { return {data, shape, dtype}; }
};

// Owns 64-byte aligned memory. Moves only.
class Tensor {
 public:
  Tensor() = default;
  static Tensor empty(Shape shape, DType dtype = DType::f32);
  static Tensor zeros(Shape shape, DType dtype = DType::f32);
  static Tensor from(std::span<const float> values, Shape shape);
  Tensor copy() const;
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::size_t bytes() const;  // 0 when default-made or moved from
  View view();
  ConstView view() const;
  float* f32() { return view().f32(); }
  const float* f32() const { return view().f32(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte[], Free> data_;
  Shape shape_;
  DType dtype_ = DType::f32;
};

}  // namespace hone::tensor
