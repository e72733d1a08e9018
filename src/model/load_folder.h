// A model out of a Hugging Face folder: config.json, safetensors in one file or in shards.
#pragma once

#include <string>
#include <vector>

#include "model/folder_config.h"
#include "model/weights.h"
#include "tensor/exec.h"

namespace hone::model {

// The safetensors files of `folder` in name order: model.safetensors, or those model.safetensors.index.json names.
Result<std::vector<Path>> weight_files(const Path& folder);

// Every tensor widened to f32 in parallel, Gemma's norms with the 1 they stand for added. One that is missing, of
// another shape, not known or not finite is refused by name.
Result<Weights> load_folder(tensor::Exec& exec, const Path& folder);

}  // namespace hone::model
