#include "solve/planning.h"

#include "base/hash.h"
#include "train/plan.h"

namespace hone::solve {
namespace {

Path plan_file(const Workspace& workspace) { return workspace.folder / "plan.json"; }

std::string plan_key(const Workspace& workspace, const LocalModel& local) {
  return sha256_hex(workspace.data_key + base_identity(local.model));
}

// Tokens that all prompts begin with.
std::size_t common_prefix(const std::vector<data::Example>& examples) {
  const auto& first = examples.front().prompt;
  std::size_t length = first.size();
  for (const auto& example : examples) {
    const auto most = static_cast<std::ptrdiff_t>(std::min(length, example.prompt.size()));
    const auto differ = std::mismatch(first.begin(), first.begin() + most, example.prompt.begin());
    length = static_cast<std::size_t>(differ.first - first.begin());
  }
  return length;
}

PlanInput rows_of(const Workspace& workspace, double budget_seconds) {
  PlanInput input;
  input.train_rows = workspace.split.train.size();
  input.validation_rows = workspace.split.validation.size();
  input.test_rows = workspace.split.test.size();
  input.labels = workspace.task.labels.size();
  input.budget_seconds = budget_seconds;
  return input;
}

// Whether the training that was decided on is to be kept: it is in the store, and there is more of it to do, or nothing
// else is asked for.
bool is_binding(const Workspace& workspace, const LocalModel& local, const RememberedPlan& planned,
                double budget_seconds) {
  if (!planned.training) return false;
  const auto run = recorded_training(workspace, local, training_spec(workspace.task, *planned.training));
  if (!run) return false;
  const bool has_ended = run->status == track::RunStatus::finished || run->status == track::RunStatus::failed;
  return !has_ended || planned.input.budget_seconds == budget_seconds;
}

// The remembered plan, if it asks the base model at all: what was measured while the machine had other work may leave
// nothing to do with it, and would time and again.
std::optional<RememberedPlan> usable_plan(const Workspace& workspace, const std::string& key) {
  auto remembered = load_plan(plan_file(workspace), key);
  const bool asks = remembered.has_value() && (remembered->plan.zero_shot || remembered->training.has_value());
  return asks ? std::move(remembered) : std::nullopt;
}

}  // namespace

PlanInput measured_input(const Workspace& workspace, LocalModel& local, const EncodedRows& encoded,
                         const train::TrainSpec& spec, const std::stop_token& stop) {
  PlanInput input = rows_of(workspace, 0);
  input.train_rows = encoded.examples.size();
  double answers = 0;
  for (const auto& example : encoded.examples) answers += static_cast<double>(example.answer.size());
  input.answer_tokens = answers / static_cast<double>(encoded.examples.size());
  input.most_answer_tokens = local.most_answer_tokens;
  input.prefix_tokens = static_cast<double>(common_prefix(encoded.examples));
  input.row_tokens = std::max(1.0, encoded.mean_tokens - input.prefix_tokens - input.answer_tokens);
  input.adapter_bytes = sizeof(float) * model::lora_parameters(local.model.decoder->config(), spec.lora);
  input.epoch_tokens = static_cast<double>(train::plan_tokens(encoded.examples, spec).computed);
  input.rates = measure_rates(local, encoded.examples, spec, stop);
  return input;
}

train::TrainSpec training_spec(const data::Task& task, const TrainingPlan& training) {
  train::TrainSpec spec;
  spec.epochs = training.epochs;
  spec.validations_per_epoch = training.validations_per_epoch;
  spec.patience = training.patience;
  spec.seed = task.seed;
  spec.lora.seed = task.seed;
  return spec;
}

std::optional<model::Precision> planned_precision(const Workspace& workspace) {
  return remembered_precision(plan_file(workspace));
}

Plan plan_without_model(const Workspace& workspace, const model::CatalogueEntry& missing, double budget_seconds) {
  constexpr double bytes_a_token = 4;
  PlanInput input = rows_of(workspace, budget_seconds);
  double inputs = 0;
  double outputs = 0;
  for (const auto& row : workspace.split.train) {
    inputs += static_cast<double>(row.input.size());
    outputs += static_cast<double>(row.output.size());
  }
  const double rows = std::max<double>(1, static_cast<double>(workspace.split.train.size()));
  input.row_tokens = std::max(1.0, inputs / rows / bytes_a_token) + 8;
  input.answer_tokens = std::max(1.0, outputs / rows / bytes_a_token) + 1;
  input.most_answer_tokens = input.labels > 0 ? 0 : 1.5 * input.answer_tokens + 16;
  input.prefix_tokens = static_cast<double>(workspace.task.instruction.size()) / bytes_a_token + 10;
  input.adapter_bytes = missing.bytes / 5;
  input.download_bytes = missing.bytes;
  input.opening_seconds = 15;
  input.rates = assumed_rates(workspace.threads);
  return make_plan(input);
}

RememberedPlan plan_with_model(const Workspace& workspace, LocalModel& local, const EncodedRows& encoded,
                               const Budget& budget, const std::stop_token& stop) {
  const std::string key = plan_key(workspace, local);
  auto remembered = usable_plan(workspace, key);
  const bool keeps_training = remembered && is_binding(workspace, local, *remembered, budget.seconds());
  if (remembered && remembered->input.budget_seconds == budget.seconds()) {
    if (!keeps_training) remembered->training.reset();
    return std::move(*remembered);
  }
  RememberedPlan planned;
  planned.input = remembered ? remembered->input
                             : measured_input(workspace, local, encoded, training_spec(workspace.task, {}), stop);
  planned.input.budget_seconds = budget.seconds();
  planned.input.opening_seconds = budget.elapsed();
  planned.plan = make_plan(planned.input);
  planned.precision = local.model.precision;
  planned.is_of_this_start = true;
  if (keeps_training) planned.training = remembered->training;
  save_plan(plan_file(workspace), key, planned);
  return planned;
}

void keep_plan(const Workspace& workspace, const LocalModel& local, const RememberedPlan& planned) {
  save_plan(plan_file(workspace), plan_key(workspace, local), planned);
}

std::optional<TrainingPlan> decide_training(const Workspace& workspace, const LocalModel& local,
                                            RememberedPlan& planned, const TrainingTime& time,
                                            const std::stop_token& stop) {
  if (planned.training) return planned.training;
  if (stop.stop_requested()) return std::nullopt;
  const TrainingPlan training =
      time.seconds ? fit_training(planned.input, *time.seconds, time.slower) : planned.plan.training;
  if (training.epochs == 0) return training;
  planned.training = training;
  keep_plan(workspace, local, planned);
  return training;
}

}  // namespace hone::solve
