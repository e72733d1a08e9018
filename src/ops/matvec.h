// Products of a few rows with a frozen weight, for decoding: bound by reading the weight, so it is read once.
#pragma once

#include <cstdint>

#include "ops/weight.h"

namespace hone::ops {

// Up to this many rows matvec_here() beats a matrix product.
inline constexpr std::int64_t most_matvec_rows = 8;

enum class Into : std::uint8_t { set, add };

// y [rows, out] (+)= scale x [rows, in] w^T for out in [begin, end); w [out, in], rows of w next to each other.
struct Matvec {
  std::int64_t rows = 1;
  std::int64_t in = 0;
  const float* x = nullptr;
  const float* w = nullptr;
  float* y = nullptr;
  std::int64_t y_stride = 0;
  float scale = 1;
  Into into = Into::set;
};

// On the calling thread.
void matvec_here(const Matvec& product, std::int64_t begin, std::int64_t end);

// Rows of a Weight.
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// The same with the rows of a Weight, widened one by one into `row` [in] where they are not f32 (which needs none).
void matvec_here(const Weight& weight, Matvec product, RowRange range, float* row);

}  // namespace hone::ops
