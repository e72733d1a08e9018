// A frozen map in 8-bit steps, in the order of products with it and of those with its transpose. Seen by the files of
// ops/ only.
#pragma once

#include <mutex>

#include "ops/int8_steps.h"

namespace hone::ops {

// Answers depend on every value: short spans keep large ones from coarsening their neighbours.
inline constexpr std::int64_t forward_span = 32;
// A gradient's rounding averages out over the rows: one span a row costs the product no time in between.
inline constexpr std::int64_t backward_span = longest_span;

struct Int8Map {
  PackedSteps w;  // [out, in]

  // For dX; made at the first call on the threads of its Exec, kept from then on.
  const PackedSteps& transposed(tensor::Exec& exec) const;
  std::size_t bytes() const { return w.bytes() + transposed_.bytes(); }

 private:
  mutable std::once_flag made_;
  mutable PackedSteps transposed_;
};

}  // namespace hone::ops
