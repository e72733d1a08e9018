// A damaged or badly converted file shows up as NaN or infinity long before it shows up as bad answers.
#pragma once

#include <string>

#include "base/error.h"
#include "tensor/exec.h"

namespace hone::model {

// Refuses (bad_input) f32 values that are not finite, with the place of the first one. `name` is the tensor's, `where`
// its file's.
Result<void> check_finite(tensor::Exec& exec, tensor::ConstView values, const std::string& name,
                          const std::string& where);

}  // namespace hone::model
