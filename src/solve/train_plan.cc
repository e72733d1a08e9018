#include "solve/train_plan.h"

#include <algorithm>
#include <map>

#include "base/progress.h"
#include "model/decoder_memory.h"
#include "ops/linear.h"
#include "solve/planning.h"
#include "train/plan.h"

namespace hone::solve {
namespace {

// The program itself, its libraries and buffers of the allocator: measured 60 MB with the default model's tokenizer.
constexpr std::uint64_t program_bytes = 80'000'000;

// The micro-batch that takes most memory.
model::PassSize largest_pass(const std::vector<data::Example>& examples, const train::TrainSpec& spec) {
  model::PassSize largest;
  for (const train::StepPlan& step : train::plan_epoch(examples, spec, 0)) {
    for (const std::vector<int>& rows : step) {
      std::vector<const data::Example*> some;
      for (const int row : rows) some.push_back(&examples[static_cast<std::size_t>(row)]);
      const model::TrainBatch batch =
          train::pack(some, {.sharing = train::sharing_of(spec), .prompt_weight = spec.prompt_loss_weight});
      std::int64_t wanted = 0;
      for (std::size_t i = 0; i < batch.targets.size(); ++i)
        wanted += i == 0 || batch.targets[i].row != batch.targets[i - 1].row ? 1 : 0;
      largest.rows = std::max(largest.rows, static_cast<std::int64_t>(batch.ids.size()));
      largest.wanted = std::max(largest.wanted, wanted);
    }
  }
  return largest;
}

// The options of `hone train` that make `changed` of `question`.
std::string differing_options(const TrainingQuestion& question, const TrainingQuestion& changed) {
  std::string options;
  const auto add = [&](const std::string& option) { options += (options.empty() ? "" : " ") + option; };
  if (changed.precision != question.precision) add(fmt::format("--precision {}", model::name_of(changed.precision)));
  if (changed.spec.activations != question.spec.activations) add("--checkpoint-activations");
  if (changed.spec.micro_batch_tokens != question.spec.micro_batch_tokens)
    add(fmt::format("--micro-batch {}", changed.spec.micro_batch_tokens));
  return options;
}

// The needs of one task's training under many settings: rows are encoded once, files opened once a precision, and rows
// packed once a size of micro-batch.
class Forecast {
 public:
  explicit Forecast(const TrainingQuestion& question) : question_(question) {
    const Workspace& workspace = question.workspace;
    tensor::Exec exec(workspace.threads);
    const model::Model model = model::open_model(exec, workspace.task.model, model::Parts::tokenizer_only);
    config_ = model::measure_model(workspace.task.model, model::Precision::f32).config;
    value_or_throw(model::check_lora(config_, question.spec.lora));
    examples_ = encode_rows(model, config_.context, workspace, workspace.split.train).examples;
    if (examples_.empty())
      fail(ErrorCode::bad_input, "no training row could be encoded, so there is nothing to train on");
    tokens_ = train::plan_tokens(examples_, question.spec);
  }

  TrainingNeeds needs() { return needs(question_); }

  // See setting_that_fits().
  std::string setting() {
    train::TrainSpec spec = question_.spec;
    for (const model::Precision precision : {question_.precision, model::Precision::as_is, model::Precision::nf4}) {
      for (const model::Activations activations : {question_.spec.activations, model::Activations::recomputed}) {
        spec.activations = activations;
        spec.micro_batch_tokens = question_.spec.micro_batch_tokens;
        do {
          const TrainingQuestion changed{question_.workspace, spec, precision, question_.available};
          if (needs(changed).fits()) return differing_options(question_, changed);
          spec.micro_batch_tokens /= 2;
        } while (spec.micro_batch_tokens >= 128);
      }
    }
    return "";
  }

 private:
  TrainingNeeds needs(const TrainingQuestion& question) {
    const train::TrainSpec& spec = question.spec;
    const bool widened = model::chosen_precision(question.precision) != model::Precision::f32;
    model::PassSize size = largest_pass(spec);
    size.activations = spec.activations;
    TrainingNeeds needs;
    needs.weights = weight_bytes(question.precision);
    if (question.precision == model::Precision::int8) needs.weights += model::transposed_copy_bytes(config_, spec.lora);
    needs.adapter = model::adapter_state_bytes(config_, spec.lora);
    // Passes of other sizes leave gaps in the arena: measured up to a tenth above the largest one's own need.
    const std::uint64_t pass =
        model::training_pass_bytes(config_, spec.lora, size, widened ? ops::most_tile_values : 0);
    needs.activations = pass + pass / 8;
    needs.program = program_bytes;
    needs.available = question.available;
    needs.steps = tokens_.steps * spec.epochs;
    needs.tokens = tokens_.computed * spec.epochs;
    needs.largest_batch = size.rows;
    return needs;
  }

  std::uint64_t weight_bytes(model::Precision precision) {
    const auto known = weight_bytes_.find(precision);
    if (known != weight_bytes_.end()) return known->second;
    return weight_bytes_[precision] = model::measure_model(question_.workspace.task.model, precision).weight_bytes;
  }

  model::PassSize largest_pass(const train::TrainSpec& spec) {
    const auto known = passes_.find(spec.micro_batch_tokens);
    if (known != passes_.end()) return known->second;
    return passes_[spec.micro_batch_tokens] = solve::largest_pass(examples_, spec);
  }

  TrainingQuestion question_;
  model::Config config_;
  std::vector<data::Example> examples_;
  train::TokenPlan tokens_;
  std::map<model::Precision, std::uint64_t> weight_bytes_;
  std::map<int, model::PassSize> passes_;  // by tokens of a micro-batch
};

}  // namespace

TrainingNeeds training_needs(const TrainingQuestion& question) { return Forecast(question).needs(); }

std::string setting_that_fits(const TrainingQuestion& question) { return Forecast(question).setting(); }

TrainingNeeds needs_that_fit(const TrainingQuestion& question) {
  Forecast forecast(question);
  const TrainingNeeds needs = forecast.needs();
  if (needs.fits()) return needs;
  const std::string setting = forecast.setting();
  fail(ErrorCode::environment,
       "this training needs about {} of memory ({} weights, {} activations of {} tokens at once, {} adapter), and {} "
       "are free; {}",
       bytes_text(needs.total()), bytes_text(needs.weights), bytes_text(needs.activations), needs.largest_batch,
       bytes_text(needs.adapter), bytes_text(needs.available),
       setting.empty() ? std::string("no setting makes it fit: close other programs, or choose a smaller model")
                       : fmt::format("it fits with {}", setting));
}

void measure_training(LocalModel& local, const TrainingQuestion& question, const std::stop_token& stop,
                      TrainingNeeds& needs) {
  const EncodedRows encoded = encode_rows(local, question.workspace, question.workspace.split.train);
  const PlanInput input = measured_input(question.workspace, local, encoded, question.spec, stop);
  TrainingPlan training;
  training.epochs = question.spec.epochs;
  training.validations_per_epoch = question.spec.validations_per_epoch;
  training.patience = question.spec.patience;
  needs.seconds = training_seconds(input, training);
}

}  // namespace hone::solve
