#include "solve/plan_memory.h"

#include "solve/plan_json.h"

namespace hone::solve {

namespace {

// The remembered document; nothing where it is not there or not JSON.
std::optional<Json> read_plan(const Path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const auto text = read_file(file);
  if (!text) return std::nullopt;
  auto json = parse_json(*text, file.string());
  return json && json->is_object() ? std::optional(std::move(*json)) : std::nullopt;
}

}  // namespace

std::optional<model::Precision> remembered_precision(const Path& file) {
  const auto json = read_plan(file);
  if (!json) return std::nullopt;
  return model::precision_named(json->value("precision", std::string("f32")));
}

std::optional<RememberedPlan> load_plan(const Path& file, const std::string& key) {
  const auto json = read_plan(file);
  if (!json || json->value("key", Json()) != key) return std::nullopt;
  const auto input = plan_input_from_json(json->value("input", Json::object()));
  const auto plan = plan_from_json(json->value("plan", Json::object()));
  if (!input || !plan) return std::nullopt;
  RememberedPlan remembered{.input = *input, .plan = *plan, .training = {}};
  remembered.precision = remembered_precision(file).value_or(model::Precision::f32);
  if (const Json training = json->value("training", Json()); training.is_object()) {
    if (const auto decided = training_from_json(training)) remembered.training = *decided;
  }
  return remembered;
}

void save_plan(const Path& file, const std::string& key, const RememberedPlan& remembered) {
  Json json = {{"key", key},
               {"input", to_json(remembered.input)},
               {"plan", to_json(remembered.plan)},
               {"training", remembered.training ? to_json(*remembered.training) : Json()}};
  model::record_precision(json, remembered.precision);
  write_file(file, to_pretty_text(json));
}

}  // namespace hone::solve
