// ggml tensor types by their numbers in a file. For this folder's files.
#pragma once

#include <cstdint>
#include <string>

#include "formats/gguf.h"

namespace hone::formats {

// The facts of the type with this number in the file; null for one that Hone does not read.
const tensor::GgmlTypeFacts* facts_of(std::uint32_t type);
// ggml's name of a type that Hone does not read, or "number N".
std::string name_of_unread(std::uint32_t type);
// "F32, F16, ...", for messages.
std::string read_type_names();

}  // namespace hone::formats
