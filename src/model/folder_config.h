// config.json of a Hugging Face folder.
#pragma once

#include <string>

#include "base/json.h"
#include "model/config.h"

namespace hone::model {

// Reads a parsed config.json of a family that Hone runs, in the form before transformers 5 (rope_theta, rope_scaling,
// rope_local_base_freq, sliding_window_pattern) or since (rope_parameters, layer_types). Of a Gemma 3 that also sees
// images the text part is read. What the decoder cannot do (another architecture, another RoPE scaling, other biases or
// activations, soft caps, a quantised checkpoint) is refused (unsupported) by field. `where` names the file in errors.
Result<Config> folder_config(const Json& json, const std::string& where);

}  // namespace hone::model
