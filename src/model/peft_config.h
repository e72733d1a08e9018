// PEFT's adapter_config.json.
#pragma once

#include <string>

#include "base/json.h"
#include "model/adapter.h"

namespace hone::model {

// In the metadata of adapter_model.safetensors: what the adapter was trained over.
inline constexpr const char* base_hash_key = "base_sha256";

// Every field of PEFT's LoraConfig that says how `adapter` is applied. Exceptions to rank and alpha, maps and layers
// are named as its pairs are, so patterns that overlap in the spec do not matter.
Json peft_config(const Adapter& adapter, const std::string& base_name);

// Rank, alpha, scaling, layers and patterns; targets are left to the weights' file, which names them all. bad_input
// where a value is not what its field holds; unsupported, naming the field, for what Hone cannot apply (DoRA, biases,
// modules saved whole, initialisations that change the base, ...). `where` names the file.
Result<LoraSpec> read_peft_config(const Json& json, const std::string& where);

// Refuses (bad_input) a config whose target_modules or layers_to_transform leave out a map that `adapter` has a pair
// of: PEFT would not apply that pair, so one of the two files is not what it was.
Result<void> check_targets(const Json& json, const Adapter& adapter, const std::string& where);

}  // namespace hone::model
