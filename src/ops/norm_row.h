// One row to normalise: what the kernels of ops/rms_norm take.
#pragma once

#include <cstddef>

namespace hone::ops {

struct NormRow {
  const float* x;  // [n]
  const float* w;  // [n]
  std::size_t n;
  float epsilon;
};

}  // namespace hone::ops
