#include "solve/plan.h"

#include <array>

namespace hone::solve {
namespace {

// Shares of the measured token rate that a stage really reaches: scoring one row at a time and small batches cost more.
constexpr double scoring_efficiency = 0.85;
constexpr double training_efficiency = 0.95;
// Left for opening, comparing, reporting and the unexpected.
constexpr double reserve_seconds = 25;
constexpr double cheap_seconds_per_1000_rows = 2;

struct Costs {
  const PlanInput& in;
  double scoring(double tokens_a_row) const {
    const double decoded = in.labels == 0 ? in.answer_tokens * 4 : 0;  // decoding is slower than prefill a token
    return static_cast<double>(in.scored_rows) * (tokens_a_row + decoded) / (in.rates.prefill * scoring_efficiency);
  }
  double shot_tokens() const { return in.row_tokens + in.answer_tokens; }
  double zero_shot() const { return scoring(in.row_tokens); }
  double few_shot(int shots) const { return scoring(in.row_tokens) + shots * shot_tokens() / in.rates.prefill; }
  double knn_few_shot(int shots) const { return scoring(in.row_tokens + shots * shot_tokens()); }
  double probe() const {
    return zero_shot() + static_cast<double>(in.train_rows) * in.row_tokens / (in.rates.prefill * scoring_efficiency);
  }
  double validation() const {
    return static_cast<double>(std::min<std::size_t>(in.validation_rows, 300)) * in.row_tokens /
           (in.rates.prefill * scoring_efficiency);
  }
  double train(int epochs, int validations) const {
    // Each step computes the prompt prefix once for its 16 rows.
    const double tokens =
        static_cast<double>(in.train_rows) * (in.row_tokens + in.answer_tokens + in.prefix_tokens / 16);
    return epochs * (tokens / (in.rates.train * training_efficiency) + validations * validation());
  }
};

void fill_stages(Plan& plan, const PlanInput& in) {
  const Costs cost{in};
  const auto rows = static_cast<double>(in.train_rows + in.scored_rows);
  const Plan whole;
  const auto stage = [&](const std::string& name, double seconds, bool wanted, std::string why) {
    plan.stages.push_back({name, wanted ? seconds : 0, !wanted, wanted ? std::move(why) : "does not fit the budget"});
  };
  plan.stages.clear();
  stage("data check, split, contenders without a model", rows / 1000 * cheap_seconds_per_1000_rows + 1, true, "");
  stage("prompt the base model, no examples", cost.zero_shot(), plan.zero_shot, "");
  stage(fmt::format("prompt it with {} examples", plan.shots), cost.few_shot(plan.shots), plan.shots > 0,
        plan.shots < whole.shots ? "fewer examples, to fit the budget" : "");
  stage(fmt::format("prompt it with the {} nearest examples", plan.knn_shots), cost.knn_few_shot(plan.knn_shots),
        plan.knn_shots > 0, plan.knn_shots < whole.knn_shots ? "fewer examples, to fit the budget" : "");
  if (in.labels > 0) stage("linear probe on the base model's hidden states", cost.probe(), plan.probe, "");
  stage(fmt::format("fine-tune, {} epochs", plan.epochs), cost.train(plan.epochs, plan.validations_per_epoch),
        plan.epochs > 0, plan.epochs < whole.epochs ? "fewer epochs, to fit the budget" : "");
  stage("score the fine-tuned model", cost.zero_shot(), plan.epochs > 0, "");
  stage("compare, decide, report, bundle", reserve_seconds, true, "");
}

}  // namespace

double Plan::total_seconds() const {
  double sum = 0;
  for (const auto& stage : stages) sum += stage.seconds;
  return sum;
}

Plan make_plan(const PlanInput& input) {
  Plan plan;
  if (input.labels == 0) plan.probe = false;
  if (input.train_rows < 2 * static_cast<std::size_t>(plan.shots)) plan.shots = static_cast<int>(input.train_rows / 2);
  fill_stages(plan, input);
  if (input.budget_seconds <= 0) return plan;
  const std::array<void (*)(Plan&), 9> reductions = {
      [](Plan& p) { p.knn_shots = 2; },
      [](Plan& p) { p.shots = std::min(p.shots, 4); },
      [](Plan& p) { p.validations_per_epoch = 1; },
      [](Plan& p) { p.epochs = 2; },
      [](Plan& p) { p.knn_shots = 0; },
      [](Plan& p) { p.probe = false; },
      [](Plan& p) { p.epochs = 1; },
      [](Plan& p) { p.shots = 0; },
      [](Plan& p) { p.epochs = 0; },
  };
  for (const auto reduce : reductions) {
    if (plan.total_seconds() <= input.budget_seconds) break;
    reduce(plan);
    fill_stages(plan, input);
  }
  if (plan.epochs > 0) {
    double before = 0;
    for (const auto& stage : plan.stages) {
      if (!stage.name.starts_with("fine-tune")) before += stage.seconds;
    }
    plan.max_train_seconds = std::max(30.0, input.budget_seconds - before);
  }
  return plan;
}

Json to_json(const Plan& plan) {
  Json stages = Json::array();
  for (const auto& stage : plan.stages) {
    stages.push_back(
        {{"name", stage.name}, {"seconds", stage.seconds}, {"skipped", stage.skipped}, {"why", stage.why}});
  }
  return {{"stages", stages},
          {"zero_shot", plan.zero_shot},
          {"shots", plan.shots},
          {"knn_shots", plan.knn_shots},
          {"probe", plan.probe},
          {"epochs", plan.epochs},
          {"validations_per_epoch", plan.validations_per_epoch},
          {"max_train_seconds", plan.max_train_seconds}};
}

Result<Plan> plan_from_json(const Json& json) {
  try {
    Plan plan;
    for (const auto& stage : json.at("stages")) {
      plan.stages.push_back({stage.at("name"), stage.at("seconds"), stage.at("skipped"), stage.at("why")});
    }
    plan.zero_shot = json.at("zero_shot");
    plan.shots = json.at("shots");
    plan.knn_shots = json.at("knn_shots");
    plan.probe = json.at("probe");
    plan.epochs = json.at("epochs");
    plan.validations_per_epoch = json.at("validations_per_epoch");
    plan.max_train_seconds = json.at("max_train_seconds");
    return plan;
  } catch (const nlohmann::json::exception& error) {
    return bad_input("the remembered plan cannot be read: {}", error.what());
  }
}

}  // namespace hone::solve
