#include "solve/plan_json.h"

namespace hone::solve {
namespace {

Json to_json(const Rates& rates) {
  return {{"read", rates.prefill},
          {"train", rates.train},
          {"decode", rates.decode},
          {"decode_alone", rates.decode_alone},
          {"measured", rates.is_measured}};
}

Rates rates_from(const Json& json) {
  return {.prefill = json.at("read"),
          .train = json.at("train"),
          .decode = json.at("decode"),
          .decode_alone = json.at("decode_alone"),
          .is_measured = json.at("measured")};
}

StageKind stage_kind(const Json& json) {
  for (int kind = 0; kind <= static_cast<int>(StageKind::conclude); ++kind) {
    if (json == name_of(static_cast<StageKind>(kind))) return static_cast<StageKind>(kind);
  }
  return StageKind::cheap;
}

// Whatever is wrong with remembered JSON is an error, and the plan is made anew.
template <class Read>
auto reading(const Read& read) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const nlohmann::json::exception& error) {
    return bad_input("the remembered plan cannot be read: {}", error.what());
  }
}

}  // namespace

Json to_json(const TrainingPlan& training) {
  return {{"epochs", training.epochs},
          {"validations_per_epoch", training.validations_per_epoch},
          {"patience", training.patience}};
}

Result<TrainingPlan> training_from_json(const Json& json) {
  return reading([&] {
    TrainingPlan training;
    training.epochs = json.at("epochs");
    training.validations_per_epoch = json.at("validations_per_epoch");
    training.patience = json.at("patience");
    return training;
  });
}

Json to_json(const Plan& plan) {
  Json stages = Json::array();
  for (const auto& stage : plan.stages) {
    stages.push_back({{"stage", name_of(stage.kind)},
                      {"name", stage.name},
                      {"seconds", stage.seconds},
                      {"skipped", stage.skipped},
                      {"why", stage.why}});
  }
  return {{"stages", stages},
          {"seconds", plan.total_seconds()},
          {"zero_shot", plan.zero_shot},
          {"shots", plan.shots},
          {"knn_shots", plan.knn_shots},
          {"probe", plan.probe},
          {"training", to_json(plan.training)},
          {"tokens_a_second", to_json(plan.rates)},
          {"download_bytes", plan.download_bytes},
          {"disk_bytes", plan.disk_bytes},
          {"kept_bytes", plan.kept_bytes},
          {"usd", plan.usd},
          {"leaves_machine", plan.leaves_machine}};
}

Result<Plan> plan_from_json(const Json& json) {
  auto training = json.contains("training") ? training_from_json(json.at("training")) : TrainingPlan();
  if (!training) return tl::unexpected(training.error());
  return reading([&] {
    Plan plan;
    for (const auto& stage : json.at("stages")) {
      plan.stages.push_back(
          {stage_kind(stage.at("stage")), stage.at("name"), stage.at("seconds"), stage.at("skipped"), stage.at("why")});
    }
    plan.zero_shot = json.at("zero_shot");
    plan.shots = json.at("shots");
    plan.knn_shots = json.at("knn_shots");
    plan.probe = json.at("probe");
    plan.training = *training;
    plan.rates = rates_from(json.at("tokens_a_second"));
    plan.download_bytes = json.at("download_bytes");
    plan.disk_bytes = json.at("disk_bytes");
    plan.kept_bytes = json.at("kept_bytes");
    plan.usd = json.at("usd");
    plan.leaves_machine = json.at("leaves_machine").get<std::vector<std::string>>();
    return plan;
  });
}

Json to_json(const PlanInput& input) {
  return {{"train_rows", input.train_rows},
          {"validation_rows", input.validation_rows},
          {"test_rows", input.test_rows},
          {"labels", input.labels},
          {"row_tokens", input.row_tokens},
          {"prefix_tokens", input.prefix_tokens},
          {"answer_tokens", input.answer_tokens},
          {"most_answer_tokens", input.most_answer_tokens},
          {"adapter_bytes", input.adapter_bytes},
          {"download_bytes", input.download_bytes},
          {"opening_seconds", input.opening_seconds},
          {"rates", to_json(input.rates)},
          {"budget_seconds", input.budget_seconds},
          {"epoch_tokens", input.epoch_tokens}};
}

Result<PlanInput> plan_input_from_json(const Json& json) {
  return reading([&] {
    return PlanInput{.train_rows = json.at("train_rows"),
                     .validation_rows = json.at("validation_rows"),
                     .test_rows = json.at("test_rows"),
                     .labels = json.at("labels"),
                     .row_tokens = json.at("row_tokens"),
                     .prefix_tokens = json.at("prefix_tokens"),
                     .answer_tokens = json.at("answer_tokens"),
                     .most_answer_tokens = json.at("most_answer_tokens"),
                     .adapter_bytes = json.at("adapter_bytes"),
                     .download_bytes = json.at("download_bytes"),
                     .opening_seconds = json.at("opening_seconds"),
                     .rates = rates_from(json.at("rates")),
                     .budget_seconds = json.at("budget_seconds"),
                     .epoch_tokens = json.value("epoch_tokens", 0.0)};
  });
}

}  // namespace hone::solve
