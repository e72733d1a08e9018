// The table of ggml tensor types: names and block layouts. For this folder's files.
#pragma once

#include <cstdint>
#include <string>

#include "formats/gguf.h"

namespace hone::formats {

struct TypeFacts {
  GgmlType type;
  const char* name;
  BlockLayout layout;
};

// The facts of the type with this number in the file; null for one that Hone does not read.
const TypeFacts* facts_of(std::uint32_t type);
// ggml's name of a type that Hone does not read, or "number N".
std::string name_of_unread(std::uint32_t type);
// "F32, F16, ...", for messages.
std::string read_type_names();

}  // namespace hone::formats
