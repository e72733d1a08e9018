// JSON objects of very many keys (a vocabulary, a list of tensors). The insertion-ordered object of base/json.h
// searches all earlier keys at each insertion, which is quadratic: seconds for a vocabulary of 49,152, a hang for a
// hostile file.
#pragma once

#include <string_view>

#include "base/json.h"

namespace hone::formats {

// As parse_json, in O(n log n); nesting is limited to 64, and a key that stands twice in one object is an error.
Result<Json> parse_large_json(std::string_view text, std::string_view where);

}  // namespace hone::formats
