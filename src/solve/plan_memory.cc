#include "solve/plan_memory.h"

#include "solve/plan_json.h"

namespace hone::solve {

std::optional<RememberedPlan> load_plan(const Path& file, const std::string& key) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const auto text = read_file(file);
  if (!text) return std::nullopt;
  const auto json = parse_json(*text, file.string());
  if (!json || !json->is_object() || json->value("key", Json()) != key) return std::nullopt;
  const auto input = plan_input_from_json(json->value("input", Json::object()));
  const auto plan = plan_from_json(json->value("plan", Json::object()));
  if (!input || !plan) return std::nullopt;
  RememberedPlan remembered{.input = *input, .plan = *plan, .training = {}};
  if (const Json training = json->value("training", Json()); training.is_object()) {
    if (const auto decided = training_from_json(training)) remembered.training = *decided;
  }
  return remembered;
}

void save_plan(const Path& file, const std::string& key, const RememberedPlan& remembered) {
  const Json json = {{"key", key},
                     {"input", to_json(remembered.input)},
                     {"plan", to_json(remembered.plan)},
                     {"training", remembered.training ? to_json(*remembered.training) : Json()}};
  write_file(file, to_pretty_text(json));
}

}  // namespace hone::solve
