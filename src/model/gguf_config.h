// The metadata of a GGUF file that describes a decoder.
#pragma once

#include <string>

#include "formats/gguf.h"
#include "model/config.h"

namespace hone::model {

// Reads general.architecture and its keys (ARCH.block_count ...). What the decoder cannot do (another architecture,
// another RoPE scaling, partial RoPE, experts, soft caps) is refused (unsupported) by key. `where` names the file in
// errors.
Result<Config> gguf_config(const formats::GgufFile& file, const std::string& where);

}  // namespace hone::model
