// JSON with keys in insertion order. Parsing is bounded in depth and never throws on outside text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace hone {

using Json = nlohmann::ordered_json;

// Parses `text`; nesting is limited to 512. An error names `where` (for instance "rows.jsonl:17") and the position.
Result<Json> parse_json(std::string_view text, std::string_view where);

// Compact text of `json`; invalid UTF-8 inside strings becomes U+FFFD, so this never throws.
std::string to_text(const Json& json);
// The same, indented by two spaces, with a final newline: for files people read.
std::string to_pretty_text(const Json& json);

}  // namespace hone
