#include "ops/weight.h"

#include <utility>

namespace hone::ops {

const char* name_of(WeightKind kind) {
  switch (kind) {
    case WeightKind::none:
      return "none";
    case WeightKind::f32:
      return "f32";
  }
  return "?";
}

Weight Weight::from_f32(tensor::Tensor values) {
  HONE_CHECK(values.dtype() == tensor::DType::f32 && values.shape().rank() == 2);
  Weight weight;
  weight.kind_ = WeightKind::f32;
  weight.out_ = values.shape()[0];
  weight.in_ = values.shape()[1];
  weight.values_ = std::move(values);
  return weight;
}

std::size_t Weight::bytes() const { return empty() ? 0 : values_.bytes(); }

const float* Weight::f32() const {
  HONE_CHECK(kind_ == WeightKind::f32);
  return values_.f32();
}

}  // namespace hone::ops
