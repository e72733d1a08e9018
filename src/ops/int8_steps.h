// Matrix products in 8-bit steps with exact 32-bit sums: rows as u8 with a scale and a zero point each, frozen matrices
// as s8 with a scale for each row. Seen by the files of ops/ only.
#pragma once

#include <cstdint>
#include <span>

#include "ops/matvec.h"
#include "tensor/arena.h"
#include "tensor/exec.h"

namespace hone::ops {

inline constexpr std::int64_t panel_columns = 64;
inline constexpr std::int64_t steps_together = 4;  // of the inner dimension, as the dot product takes them
// Longest inner dimension whose sums of u8 times s8 fit 32 bits.
inline constexpr std::int64_t most_inner = 1 << 16;

// s8 steps q [outer, inner] in the order in which products read them: panels of 64 outer indices, in each, for 4 inner
// indices at a time, 64 x 4 bytes; 0 beyond the edges. Moves only.
class PackedSteps {
 public:
  PackedSteps() = default;
  // All 0.
  PackedSteps(std::int64_t outer, std::int64_t inner);

  std::int64_t outer() const { return outer_; }
  std::int64_t inner() const { return inner_; }
  std::int64_t panels() const { return (outer_ + panel_columns - 1) / panel_columns; }
  std::int64_t panel_bytes() const {
    return (inner_ + steps_together - 1) / steps_together * steps_together * panel_columns;
  }
  std::size_t bytes() const { return steps_.bytes() + sums_.bytes(); }

  // Puts or reads the steps of one outer index [inner]. Rows of different panels may be put by different threads.
  void put(std::int64_t row, const std::int8_t* steps);
  void get(std::int64_t row, std::int8_t* steps) const;

  const std::int8_t* panel(std::int64_t index) const;
  // Of each outer index, its steps' sum; [panels * 64].
  const std::int32_t* sums() const { return sums_.view().i32(); }

  // [inner, outer], on all threads.
  PackedSteps transposed(tensor::Exec& exec) const;

 private:
  std::int8_t* at(std::int64_t row);

  std::int64_t outer_ = 0;
  std::int64_t inner_ = 0;
  tensor::Tensor steps_;  // u8
  tensor::Tensor sums_;   // i32
};

// Rows x[m, k] = scale[m] * (step[m, k] - zero[m]); borrowed memory, columns padded to whole groups.
struct StepRows {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;  // bytes between rows
  std::uint8_t* steps = nullptr;
  float* scale = nullptr;
  std::int32_t* zero = nullptr;
};

// Memory for [rows, columns] from the arena.
StepRows take_step_rows(tensor::Arena& arena, std::int64_t rows, std::int64_t columns);

// Rows [begin, end) of x [rows, columns] (`x_stride` floats apart), each value times factor[k]: 255 steps between the
// least and the greatest of 0 and the row's values, nearest. A row that is not finite gets the scale NaN. On the
// calling thread.
struct RoundRows {
  const float* x = nullptr;
  std::int64_t x_stride = 0;
  const float* factor = nullptr;  // [columns]
  StepRows to;
};
void round_rows_here(const RoundRows& rows, std::int64_t begin, std::int64_t end);

// y[m, n] (+)= scale[m] * factor[n] * sum over k of (step[m, k] - zero[m]) q[n, k].
struct StepProduct {
  StepRows x;
  const PackedSteps* q = nullptr;
  const float* factor = nullptr;  // [outer]
  float* y = nullptr;
  std::int64_t y_stride = 0;
  Matvec::Into into = Matvec::Into::set;
};

// For some rows and some panels of 64 columns, on the calling thread.
void step_product_here(const StepProduct& product, RowRange rows, RowRange panels);

// Whether this machine multiplies bytes by itself (AVX-512 VNNI); else the same sums are taken by slower means.
bool has_byte_products();

// The same where has_byte_products(); called by step_product_here().
void step_product_vnni(const StepProduct& product, RowRange rows, RowRange panels);

}  // namespace hone::ops
