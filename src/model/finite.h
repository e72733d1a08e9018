// A damaged or badly converted file shows up as NaN or infinity long before it shows up as bad answers.
#pragma once

#include <string>

#include "base/error.h"
#include "tensor/exec.h"

namespace hone::model {

struct TensorPlace {
  const std::string& name;     // the tensor's
  const std::string& where;    // its file
  std::int64_t first_row = 0;  // of the values looked at
};

// Refuses (bad_input) f32 values that are not finite, with the place of the first one.
Result<void> check_finite(tensor::Exec& exec, tensor::ConstView values, const TensorPlace& place);

}  // namespace hone::model
