#include "model/finite.h"

#include <cmath>

#include "ops/adamw.h"

namespace hone::model {

Result<void> check_finite(tensor::Exec& exec, tensor::ConstView values, const TensorPlace& place) {
  if (std::isfinite(ops::squared_norm(exec, values))) return {};
  const float* data = values.f32();
  std::int64_t at = 0;
  while (at < values.shape.count() && std::isfinite(data[at])) ++at;
  if (at == values.shape.count()) return {};  // only their squares are too large
  const std::int64_t columns = values.shape[values.shape.rank() - 1];
  return bad_input(
      "{}: tensor {} holds {} in row {}, column {}; the file is damaged or was badly converted: get it again",
      place.where, place.name, data[at], place.first_row + at / columns, at % columns);
}

}  // namespace hone::model
