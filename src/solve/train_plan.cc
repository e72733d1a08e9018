#include "solve/train_plan.h"

#include <algorithm>

#include "base/progress.h"
#include "model/decoder_memory.h"
#include "solve/planning.h"
#include "train/plan.h"

namespace hone::solve {
namespace {

// The program itself, its libraries and buffers of the allocator: measured 60 MB with the default model's tokenizer.
constexpr std::uint64_t program_bytes = 80'000'000;
// Widened at once where maps are not f32, as in ops/linear_cpu.cc.
constexpr std::int64_t tile_values = std::int64_t{1} << 22;

// All that needs depend on beside the settings.
struct Encoded {
  model::Config config;
  std::vector<data::Example> examples;
};

Encoded encode(const Workspace& workspace) {
  tensor::Exec exec(workspace.threads);
  const model::Model model = model::open_model(exec, workspace.task.model, model::Parts::tokenizer_only);
  Encoded encoded{.config = model::measure_model(workspace.task.model, model::Precision::f32).config, .examples = {}};
  encoded.examples = encode_rows(model, encoded.config.context, workspace, workspace.split.train).examples;
  if (encoded.examples.empty())
    fail(ErrorCode::bad_input, "no training row could be encoded, so there is nothing to train on");
  return encoded;
}

// The micro-batch that takes most memory.
model::PassSize largest_pass(const std::vector<data::Example>& examples, const train::TrainSpec& spec) {
  model::PassSize largest{.activations = spec.activations};
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

TrainingNeeds needs_of(const Encoded& encoded, const TrainingQuestion& question) {
  const train::TrainSpec& spec = question.spec;
  const bool widened = model::chosen_precision(question.precision) != model::Precision::f32;
  const model::PassSize size = largest_pass(encoded.examples, spec);
  const train::TokenPlan tokens = train::plan_tokens(encoded.examples, spec);
  TrainingNeeds needs;
  needs.weights = model::measure_model(question.workspace.task.model, question.precision).weight_bytes;
  needs.adapter = model::adapter_state_bytes(encoded.config, spec.lora);
  // The arena grows in pieces as larger micro-batches come: measured up to a quarter above the largest one's own need.
  const std::uint64_t pass = model::training_pass_bytes(encoded.config, spec.lora, size, widened ? tile_values : 0);
  needs.activations = pass + pass / 4;
  needs.program = program_bytes;
  needs.available = question.available;
  needs.steps = tokens.steps * spec.epochs;
  needs.tokens = tokens.computed * spec.epochs;
  needs.largest_batch = size.rows;
  return needs;
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

}  // namespace

TrainingNeeds training_needs(const TrainingQuestion& question) {
  return needs_of(encode(question.workspace), question);
}

void measure_training(LocalModel& local, const TrainingQuestion& question, const std::stop_token& stop,
                      TrainingNeeds& needs) {
  const EncodedRows encoded = encode_rows(local, question.workspace, question.workspace.split.train);
  const PlanInput input = measured_input(question.workspace, local, encoded, stop);
  TrainingPlan training;
  training.epochs = question.spec.epochs;
  training.validations_per_epoch = question.spec.validations_per_epoch;
  training.patience = question.spec.patience;
  needs.seconds = training_seconds(input, training);
}

std::string setting_that_fits(const TrainingQuestion& question) {
  const Encoded encoded = encode(question.workspace);
  train::TrainSpec spec = question.spec;
  for (const model::Precision precision : {question.precision, model::Precision::as_is, model::Precision::nf4}) {
    for (const model::Activations activations : {question.spec.activations, model::Activations::recomputed}) {
      spec.activations = activations;
      spec.micro_batch_tokens = question.spec.micro_batch_tokens;
      do {
        const TrainingQuestion changed{question.workspace, spec, precision, question.available};
        if (needs_of(encoded, changed).fits()) return differing_options(question, changed);
        spec.micro_batch_tokens /= 2;
      } while (spec.micro_batch_tokens >= 128);
    }
  }
  return "";
}

void check_fits(const TrainingNeeds& needs, const TrainingQuestion& question) {
  if (needs.fits()) return;
  const std::string setting = setting_that_fits(question);
  fail(ErrorCode::environment,
       "this training needs about {} of memory ({} weights, {} activations of {} tokens at once, {} adapter), and {} "
       "are free; {}",
       bytes_text(needs.total()), bytes_text(needs.weights), bytes_text(needs.activations), needs.largest_batch,
       bytes_text(needs.adapter), bytes_text(needs.available),
       setting.empty() ? std::string("no setting makes it fit: close other programs, or choose a smaller model")
                       : fmt::format("it fits with {}", setting));
}

}  // namespace hone::solve
