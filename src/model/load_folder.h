// A model out of a Hugging Face folder: config.json, safetensors in one file or in shards.
#pragma once

#include <string>
#include <vector>

#include "model/folder_config.h"
#include "model/stored_weights.h"
#include "tensor/exec.h"

namespace hone::model {

// The safetensors files of `folder` in name order: model.safetensors, or those model.safetensors.index.json names.
Result<std::vector<Path>> weight_files(const Path& folder);

// Every tensor kept in `precision`, Gemma's norms with the 1 they stand for added. One that is missing, of another
// shape or dtype, not known or not finite is refused by name.
Result<Weights> load_folder(tensor::Exec& exec, const Path& folder, Precision precision = Precision::f32);

// What load_folder() would keep; reads headers, and of a folder in NF4 the codes.
Result<ModelSize> measure_folder(const Path& folder, Precision precision);

}  // namespace hone::model
