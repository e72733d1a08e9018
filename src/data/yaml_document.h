// YAML read as JSON, with lines. yaml_document.cc is the only file that sees yaml-cpp.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace hone::data {

struct YamlDocument {
  // Plain true, false, null and numbers as such, everything else as text; a value with a tag of its own ("!function
  // utils.f") as {"!function": "utils.f"}.
  Json json;
  std::map<std::string, std::size_t> lines;            // of the members of lists and objects, by JSON pointer
  std::size_t line(const std::string& pointer) const;  // 1 where it is not known
};

// Errors name file and line: not YAML, over 64 MiB, over a million values once its references are written out.
Result<YamlDocument> read_yaml(std::string_view text, const std::string& name);

}  // namespace hone::data
