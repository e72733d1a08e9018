#include "prompt/response_format.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace hone::prompt {
namespace {

constexpr std::size_t most_name = 64;
constexpr int most_levels = 10;
constexpr std::size_t most_properties = 5000;
constexpr std::size_t most_enumerated = 1000;
constexpr std::size_t most_characters = 120'000;

const std::set<std::string>& taken_keywords() {
  static const std::set<std::string> all = {"type",
                                            "enum",
                                            "const",
                                            "anyOf",
                                            "$ref",
                                            "$defs",
                                            "title",
                                            "description",
                                            "items",
                                            "properties",
                                            "required",
                                            "additionalProperties",
                                            "pattern",
                                            "format",
                                            "minimum",
                                            "maximum",
                                            "exclusiveMinimum",
                                            "exclusiveMaximum",
                                            "minItems",
                                            "maxItems",
                                            "multipleOf"};
  return all;
}

const std::set<std::string>& taken_formats() {
  static const std::set<std::string> all = {"date-time", "time", "date", "duration", "email",
                                            "hostname",  "ipv4", "ipv6", "uuid"};
  return all;
}

// Goes through a schema, adding up what counts; false where something in it is not taken.
class StrictSchema {
 public:
  bool takes(const Json& schema, int level) {
    if (!schema.is_object() || level > most_levels) return false;
    for (const auto& [keyword, value] : schema.items()) {
      if (!taken_keywords().contains(keyword)) return false;
    }
    if (schema.contains("format") && !taken_formats().contains(schema["format"].get<std::string>())) return false;
    if (!takes_object(schema, level) || !takes_values(schema)) return false;
    if (schema.contains("items") && !takes(schema["items"], level + 1)) return false;
    if (const auto branches = schema.find("anyOf"); branches != schema.end()) {
      for (const Json& branch : *branches) {
        if (!takes(branch, level)) return false;
      }
    }
    if (const auto definitions = schema.find("$defs"); definitions != schema.end()) {
      for (const auto& [name, definition] : definitions->items()) {
        characters_ += name.size();
        if (!takes(definition, level)) return false;
      }
    }
    return true;
  }
  bool within_bounds() const {
    return properties_ <= most_properties && enumerated_ <= most_enumerated && characters_ <= most_characters;
  }

 private:
  static bool may_be_object(const Json& schema) {
    if (schema.contains("properties") || schema.contains("required")) return true;
    const auto type = schema.find("type");
    if (type == schema.end()) return false;
    return *type == "object" || (type->is_array() && std::find(type->begin(), type->end(), "object") != type->end());
  }

  bool takes_object(const Json& schema, int level) {
    if (!may_be_object(schema)) return true;
    const auto others = schema.find("additionalProperties");
    if (others == schema.end() || *others != false) return false;
    std::set<std::string> required;
    if (const auto names = schema.find("required"); names != schema.end())
      required.insert(names->begin(), names->end());
    const auto properties = schema.find("properties");
    if (properties == schema.end()) return required.empty();
    for (const auto& [name, value] : properties->items()) {
      ++properties_;
      characters_ += name.size();
      if (!required.contains(name) || !takes(value, level + 1)) return false;
    }
    return required.size() == properties->size();
  }

  bool takes_values(const Json& schema) {
    const auto takes_value = [&](const Json& value) {
      if (value.is_string()) characters_ += value.get_ref<const std::string&>().size();
      return !value.is_structured();
    };
    if (const auto only = schema.find("const"); only != schema.end() && !takes_value(*only)) return false;
    const auto values = schema.find("enum");
    if (values == schema.end()) return true;
    enumerated_ += values->size();
    return std::all_of(values->begin(), values->end(), takes_value);
  }

  std::size_t properties_ = 0, enumerated_ = 0, characters_ = 0;
};

std::string name_of(const std::string& name) {
  std::string kept;
  for (const char c : name.substr(0, most_name)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    kept += plain ? c : '_';
  }
  return kept.empty() ? "answer" : kept;
}

}  // namespace

bool fits_strict(const Json& schema) {
  if (!schema.is_object() || schema.contains("anyOf")) return false;
  const auto type = schema.find("type");
  if (type == schema.end() || *type != "object") return false;
  StrictSchema strict;
  return strict.takes(schema, 1) && strict.within_bounds();
}

Json response_format(const std::string& name, const std::string& schema) {
  Json sent = value_or_throw(parse_json(schema, "the task's schema"));
  if (sent.is_object()) sent.erase("$schema");  // says nothing of the answer, and is not taken
  const bool strict = fits_strict(sent);
  return {{"type", "json_schema"},
          {"json_schema", {{"name", name_of(name)}, {"schema", std::move(sent)}, {"strict", strict}}}};
}

}  // namespace hone::prompt
