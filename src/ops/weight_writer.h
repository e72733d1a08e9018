// Makes a Weight of a chosen kind from f32 rows, a stretch of rows at a time, so that the whole matrix never lies in
// memory as f32.
#pragma once

#include "ops/weight.h"
#include "tensor/exec.h"

namespace hone::ops {

// Bytes of a weight of `shape` = [out, in] as a WeightWriter of `kind` leaves it.
std::uint64_t written_bytes(WeightKind kind, tensor::Shape shape);

class WeightWriter {
 public:
  // Kinds f32, nf4, nf4_double, int8, int8_steps, and blocks of bf16 (that type alone). `shape` = [out, in].
  WeightWriter(WeightKind kind, tensor::Shape shape);

  // Rows [first, first + rows.shape[0]) of f32 values; each row once, in any order. `first` is a multiple of 64, and so
  // is the number of rows but for the last ones. Finite values only.
  //   bf16: rounded to nearest, ties to even.
  //   int8: scale = max |x| / 127, step = x * (127 / max |x|) rounded, ties to even (bitsandbytes' vector-wise int8).
  //   int8_steps: the same in groups of 32 (ops/int8_steps.h).
  //   nf4: see ops/nf4.h.
  void put(tensor::Exec& exec, std::int64_t first, tensor::ConstView rows);

  // When all rows are there. The writer is spent.
  Weight finish();

 private:
  WeightKind kind_;
  tensor::Shape shape_;
  tensor::Tensor values_;  // f32 [out, in], or u8
  tensor::Tensor scales_;  // int8
  Nf4 nf4_;
  std::shared_ptr<Int8Map> int8_;
};

}  // namespace hone::ops
