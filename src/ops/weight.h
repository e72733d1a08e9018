// A frozen weight matrix, in whatever form it is kept. Only ops/linear, ops/matvec and ops/embed look inside.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/tensor.h"

namespace hone::ops {

enum class WeightKind : std::uint8_t { none, f32 };
const char* name_of(WeightKind kind);

// Rows are outputs: y = x W^T. Moves only.
class Weight {
 public:
  Weight() = default;
  // Takes an f32 tensor [out, in].
  static Weight from_f32(tensor::Tensor values);

  bool empty() const { return kind_ == WeightKind::none; }
  WeightKind kind() const { return kind_; }
  std::int64_t out() const { return out_; }
  std::int64_t in() const { return in_; }
  std::size_t bytes() const;

  // The plain f32 rows [out, in]; HONE_CHECKs the kind.
  const float* f32() const;

 private:
  WeightKind kind_ = WeightKind::none;
  std::int64_t out_ = 0;
  std::int64_t in_ = 0;
  tensor::Tensor values_;
};

}  // namespace hone::ops
