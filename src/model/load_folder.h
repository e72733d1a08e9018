// A llama-type model out of a Hugging Face folder: config.json, safetensors in one file or in shards.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/weights.h"
#include "tensor/exec.h"

namespace hone::model {

// Reads a parsed config.json of LlamaForCausalLM, with RoPE's fields as before transformers 5 (rope_theta,
// rope_scaling) or since (rope_parameters). What the decoder cannot do (another architecture, RoPE scaling, biases,
// another activation, a quantised checkpoint) is refused (unsupported) by field. `where` names the file in errors.
Result<Config> folder_config(const Json& json, const std::string& where);

// The safetensors files of `folder` in name order: model.safetensors, or those model.safetensors.index.json names.
Result<std::vector<Path>> weight_files(const Path& folder);

// Every tensor widened to f32 in parallel. One that is missing, of another shape or not known is refused by name.
Result<Weights> load_folder(tensor::Exec& exec, const Path& folder);

}  // namespace hone::model
