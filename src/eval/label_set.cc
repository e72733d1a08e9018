#include "eval/label_set.h"

#include "base/json.h"

namespace hone::eval {

std::optional<LabelSet> label_set(const std::string& answer) {
  const Result<Json> list = parse_json(answer, "answer");
  if (!list || !list->is_array()) return std::nullopt;
  LabelSet labels;
  for (const Json& label : *list) {
    if (!label.is_string()) return std::nullopt;
    labels.insert(label.get<std::string>());
  }
  return labels;
}

}  // namespace hone::eval
