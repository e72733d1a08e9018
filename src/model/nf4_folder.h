// Matrices that bitsandbytes quantised to NF4 and transformers saved: beside the codes X lie X.absmax, X.quant_map,
// X.quant_state.bitsandbytes__nf4 and, with double quantisation, X.nested_absmax and X.nested_quant_map.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "ops/nf4.h"

namespace hone::model {

// Whether config.json's quantization_config says so.
bool is_nf4(const Json& quantization);

// Of "X.weight.absmax" and the like: "X.weight". Of other names: "".
std::string_view matrix_of_part(std::string_view name);

struct Nf4Source {
  std::string name;     // of the matrix
  std::string where;    // its folder
  tensor::Shape shape;  // [out, in], as the decoder wants it
  // A tensor of the folder; bad_input where there is none.
  std::function<Result<tensor::ConstView>(const std::string& name)> find;
};

// A copy of the codes and scales. Refused by name: parts that are missing or of another size or dtype, other levels and
// (unsupported) other block lengths. A block of zeros may have any code: its scale is 0.
Result<ops::Nf4> read_nf4(const Nf4Source& source);

}  // namespace hone::model
