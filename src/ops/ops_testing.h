// Values for tests of operations.
#pragma once

#include <cstdint>

#include "base/rng.h"
#include "tensor/tensor.h"

namespace hone::ops {

// Normal values, f32.
inline tensor::Tensor random(tensor::Shape shape, std::uint64_t seed) {
  tensor::Tensor values = tensor::Tensor::empty(shape);
  Rng rng(seed);
  for (std::int64_t i = 0; i < shape.count(); ++i) values.f32()[i] = static_cast<float>(rng.normal());
  return values;
}

}  // namespace hone::ops
