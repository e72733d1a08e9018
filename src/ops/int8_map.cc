#include "ops/int8_map.h"

namespace hone::ops {

const PackedSteps& Int8Map::transposed(tensor::Exec& exec) const {
  std::call_once(made_, [&] { transposed_ = w.transposed(exec, backward_span); });
  return transposed_;
}

}  // namespace hone::ops
