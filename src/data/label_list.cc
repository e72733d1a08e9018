#include "data/label_list.h"

#include <algorithm>
#include <set>

namespace hone::data {

std::optional<std::vector<std::string>> listed_labels(const Task& task) {
  if (task.kind != Kind::json || task.schema.empty()) return std::nullopt;
  const Result<Json> schema = parse_json(task.schema, "schema");
  if (!schema || !schema->is_object() || schema->value("type", Json()) != "array") return std::nullopt;
  static const std::set<std::string> allowed = {"type",     "items", "uniqueItems", "minItems",
                                                "maxItems", "title", "description", "$schema"};
  for (const auto& [key, value] : schema->items())
    if (!allowed.contains(key)) return std::nullopt;
  const auto items = schema->find("items");
  if (items == schema->end() || !items->is_object() || !items->contains("enum")) return std::nullopt;
  for (const auto& [key, value] : items->items())
    if (key != "enum" && key != "type") return std::nullopt;
  const Json& labels = (*items)["enum"];
  if (!labels.is_array() || labels.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const Json& label : labels) {
    if (!label.is_string()) return std::nullopt;
    names.push_back(label.get<std::string>());
  }
  return names;
}

}  // namespace hone::data
