#include "eval/field_counts.h"

#include "base/json.h"

namespace hone::eval {
namespace {

// {pointer: value}; nothing of what is no JSON.
nlohmann::json fields_of(const std::string& text) {
  const Result<Json> value = parse_json(text, "output");
  if (!value) return nlohmann::json::object();
  nlohmann::json fields = nlohmann::json(*value).flatten();
  // flatten() writes an empty list or object as null; and null is a value, so those are told apart by the document.
  const nlohmann::json document(*value);
  for (auto it = fields.begin(); it != fields.end();) {
    const bool is_nested = document.at(nlohmann::json::json_pointer(it.key())).is_structured();
    it = is_nested ? fields.erase(it) : std::next(it);
  }
  return fields;
}

}  // namespace

FieldCounts field_counts(const std::string& answer, const std::string& gold) {
  const nlohmann::json answered = fields_of(answer), wanted = fields_of(gold);
  FieldCounts counts{0, static_cast<double>(answered.size()), static_cast<double>(wanted.size())};
  for (const auto& [pointer, value] : answered.items()) {
    const auto found = wanted.find(pointer);
    if (found != wanted.end() && *found == value) counts[0] += 1;
  }
  return counts;
}

}  // namespace hone::eval
