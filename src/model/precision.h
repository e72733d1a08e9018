// In which form the matrices of a base model are kept while it runs. Norms, biases and adapters are f32, and so are all
// products but those of int8.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"

namespace hone::model {

// The layers' maps / embedding and head:
enum class Precision {
  automatic,     // what chosen_precision() says
  f32,           // widened
  bf16,          // rounded to nearest
  int8,          // 127 steps for 32 values, and products of 8-bit steps on both sides / as in the file
  int8_weights,  // 127 steps a row / as in the file
  nf4,           // bitsandbytes' 4 bits with a scale for 64 values / as in the file
  nf4_double,    // the scales quantised too / as in the file
  as_is          // as in the file: a GGUF's blocks, a folder's f32, f16 or bf16
};

// "auto", "f32", "bf16", "int8", "int8-weights", "nf4", "nf4-double", "as-is", in this order.
std::span<const char* const> precision_names();
const char* name_of(Precision precision);
std::optional<Precision> precision_named(std::string_view name);

// What `automatic` stands for on this machine; any other precision is itself. f32: the other forms
// save memory and take no time off, but for int8, which is not exact: it is taken where it is asked for.
Precision chosen_precision(Precision precision);

// A record (of a run, a contender, a bundle) says its precision in the key "precision"; one without it means f32.
void record_precision(Json& record, Precision precision);
// Failure (bad_input): this version knows no such precision.
Precision recorded_precision(const Json& record);

}  // namespace hone::model
