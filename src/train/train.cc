#include "train/train.h"

#include <cmath>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "train/checkpoint.h"
#include "train/optimizer.h"
#include "train/plan.h"
#include "train/schedule.h"

namespace hone::train {

namespace {

constexpr int most_skipped_in_a_row = 3;

void check_examples(const TrainJob& job, int vocabulary) {
  if (job.examples.empty()) fail(ErrorCode::bad_input, "training: there are no rows to train on");
  for (const data::Example& example : job.examples) {
    if (example.prompt.empty() || example.answer.empty()) {
      fail(ErrorCode::bad_input, "training: row {} has an empty {}", example.row_id,
           example.prompt.empty() ? "prompt" : "answer");
    }
    for (const auto* ids : {&example.prompt, &example.answer}) {
      for (const text::TokenId id : *ids) {
        if (id < 0 || id >= vocabulary) {
          fail(ErrorCode::bad_input,
               "training: row {} has token {}, but the model knows {} tokens: its rows were "
               "encoded for another model",
               example.row_id, id, vocabulary);
        }
      }
    }
  }
}

class Loop {
 public:
  Loop(tensor::Exec& exec, const model::Decoder& decoder, const TrainJob& job, const Hooks& hooks)
      : exec_(exec),
        decoder_(decoder),
        job_(job),
        spec_(job.spec),
        hooks_(hooks),
        epoch_steps_(steps_per_epoch(job.examples.size(), job.spec)),
        steps_(epoch_steps_ * job.spec.epochs),
        identity_{fingerprint(decoder.config(), job), exec.threads().size()} {
    std::optional<LoadedCheckpoint> saved;
    if (!job.checkpoint_folder.empty()) {
      saved = load_checkpoint(job.checkpoint_folder, decoder.config(), spec_.lora, identity_);
    }
    if (saved && !saved->notice.empty() && hooks.on_notice) hooks.on_notice(saved->notice);
    state_ = saved ? std::move(saved->state) : first_state(decoder.config(), spec_.lora);
    gradients_ = state_.adapter.zeros_like();
    seconds_before_ = state_.seconds;
  }

  Outcome run() {
    std::string ended = state_.ended;
    if (ended.empty()) decoder_.prepare_gradients(exec_, state_.adapter.lowest_layer());
    while (ended.empty()) {
      ended = hooks_.stop.stop_requested() ? "interrupted" : advance();
    }
    // A run stopped by the user or the clock may go on later, so its checkpoint doesn't say that it has ended.
    const bool is_final = ended != "interrupted" && ended != "time";
    if (ended != "interrupted") check_weights();
    if (is_final && state_.ended.empty()) {
      state_.ended = ended;
      save();
    } else if (!is_final && saved_step_ != state_.step) {
      save();
    }
    return outcome(ended);
  }

 private:
  double seconds() const { return seconds_before_ + watch_.seconds(); }

  void save() {
    if (job_.checkpoint_folder.empty()) return;
    state_.seconds = seconds();
    save_checkpoint(job_.checkpoint_folder, state_, identity_);
    saved_step_ = state_.step;
  }

  // One validation or one step; why the run ends, or "".
  std::string advance() {
    if (validation_due()) {
      if (!validate()) return "interrupted";
      save();
    }
    if (no_gain_left()) return fmt::format("no gain for {} validations", spec_.patience);
    if (state_.step >= steps_) return "all epochs";
    if (job_.max_steps > 0 && state_.step >= job_.max_steps) return "time";
    if (job_.max_seconds > 0 && watch_.seconds() >= job_.max_seconds) return "time";
    if (!step()) return "interrupted";
    if (state_.step % spec_.checkpoint_every == 0 && !validation_due()) save();
    return "";
  }

  // Validation k of an epoch follows the first step at or past its k / validations_per_epoch.
  bool validation_due() const {
    if (!hooks_.validate || state_.step == 0 || spec_.validations_per_epoch == 0) return false;
    if (!state_.validations.empty() && state_.validations.back().step == state_.step) return false;
    const auto passed = [&](int step) {
      return static_cast<std::int64_t>(step) * spec_.validations_per_epoch / epoch_steps_;
    };
    return passed(state_.step) > passed(state_.step - 1);
  }

  bool no_gain_left() const { return spec_.patience > 0 && state_.without_gain >= spec_.patience; }

  // False when the user asked to stop meanwhile.
  bool validate() {
    Validation now = hooks_.validate(state_.adapter, state_.step);
    if (hooks_.stop.stop_requested()) return false;
    now.step = state_.step;
    const Validation* best = nullptr;
    for (const Validation& v : state_.validations) {
      if (v.step == state_.best_step) best = &v;
    }
    const bool gains = std::isfinite(now.metric) && (best == nullptr || now.metric > best->metric ||
                                                     (now.metric == best->metric && now.loss < best->loss));
    if (gains) {
      state_.best = state_.adapter.copy();
      state_.best_step = state_.step;
    }
    state_.without_gain = gains ? 0 : state_.without_gain + 1;
    state_.validations.push_back(now);
    if (hooks_.on_validation) hooks_.on_validation(now);
    return true;
  }

  const StepPlan& plan_of(int step) {
    const int epoch = step / epoch_steps_;
    if (epoch != planned_epoch_) {
      plan_ = plan_epoch(job_.examples, spec_, epoch);
      planned_epoch_ = epoch;
    }
    return plan_[static_cast<std::size_t>(step % epoch_steps_)];
  }

  // Of the next step: a function of the seed and its number, so that a resumed run draws what the unbroken one did.
  model::Noise noise() const {
    return {.seed = spec_.seed,
            .step = static_cast<std::uint32_t>(state_.step),
            .dropout = static_cast<double>(spec_.lora.dropout),
            .embedding = spec_.neftune};
  }

  // Sums losses and gradients over the step's micro-batches; nullopt when the user asked to stop meanwhile.
  std::optional<model::LossSum> accumulate(const StepPlan& plan, StepEvent& event) {
    set_zero(gradients_);
    model::LossSum total;
    for (const std::vector<int>& rows : plan) {
      if (hooks_.stop.stop_requested()) return std::nullopt;
      std::vector<const data::Example*> examples;
      for (const int row : rows) {
        examples.push_back(&job_.examples[static_cast<std::size_t>(row)]);
        event.tokens += static_cast<std::int64_t>(examples.back()->prompt.size() + examples.back()->answer.size());
      }
      const PackSpec packing{sharing_of(spec_), spec_.prompt_loss_weight, rows};
      const model::LossSum part = decoder_.loss_and_gradients(exec_, pack(examples, packing), state_.adapter,
                                                              gradients_, {noise(), spec_.activations});
      total.loss += part.loss;
      total.weight += part.weight;
      event.computed += part.tokens;
    }
    return total;
  }

  // False when the user asked to stop meanwhile; the state is then as before the step.
  bool step() {
    const Stopwatch watch;
    StepEvent event;
    event.step = state_.step + 1;
    event.steps = steps_;
    event.epoch = static_cast<double>(event.step) / epoch_steps_;
    event.learning_rate =
        spec_.learning_rate * rate_factor(spec_.decay, state_.step, warmup_steps(spec_.warmup, steps_), steps_);
    const std::optional<model::LossSum> sum = accumulate(plan_of(state_.step), event);
    if (!sum) return false;
    event.loss = sum->loss / sum->weight;
    event.gradient_norm = norm_of(exec_, gradients_) / sum->weight;
    event.skipped = !std::isfinite(event.loss) || !std::isfinite(event.gradient_norm);
    if (!event.skipped) update(event, 1 / sum->weight);
    state_.step = event.step;
    state_.tokens += event.tokens;
    event.seconds = watch.seconds();
    state_.events.push_back(event);
    if (hooks_.on_step) hooks_.on_step(event);
    count_skips(event);
    return true;
  }

  // `scale` turns the summed gradients into those of the mean loss.
  void update(const StepEvent& event, double scale) {
    ++state_.updates;
    Update update;
    update.learning_rate = event.learning_rate;
    update.b_rate_ratio = spec_.b_rate_ratio;
    update.beta1 = spec_.beta1;
    update.beta2 = spec_.beta2;
    update.epsilon = spec_.epsilon;
    update.weight_decay = spec_.weight_decay;
    update.gradient_scale = scale * clip_factor(event.gradient_norm, spec_.clip);
    update.number = state_.updates;
    apply(exec_, {state_.adapter, gradients_, state_.first_moments, state_.second_moments}, update);
  }

  void count_skips(const StepEvent& event) {
    state_.skipped_in_a_row = event.skipped ? state_.skipped_in_a_row + 1 : 0;
    if (state_.skipped_in_a_row < most_skipped_in_a_row) return;
    throw BrokeDown(
        ErrorCode::bad_input,
        fmt::format("training stopped at step {} of {}: the loss was not a finite number {} steps in a row (learning "
                    "rate {:.3g}). Try a lower learning rate, for instance {:.3g}; if it happens at the first steps, "
                    "check the base model with `hone ask`.",
                    event.step, steps_, most_skipped_in_a_row, event.learning_rate, spec_.learning_rate / 4));
  }

  // The last step's weights were never used, so no loss has shown what became of them.
  void check_weights() {
    model::Adapter& kept = state_.best ? *state_.best : state_.adapter;
    if (std::isfinite(norm_of(exec_, kept))) return;
    throw BrokeDown(ErrorCode::bad_input,
                    fmt::format("training broke down: after step {} the adapter's weights are no longer finite numbers "
                                "(learning rate {:.3g}). Try a lower learning rate, for instance {:.3g}.",
                                state_.step, spec_.learning_rate, spec_.learning_rate / 4));
  }

  Outcome outcome(const std::string& ended) {
    Outcome out;
    out.steps = state_.step;
    out.best_step = state_.best ? state_.best_step : state_.step;
    out.adapter = state_.best ? std::move(*state_.best) : std::move(state_.adapter);
    out.tokens = state_.tokens;
    out.seconds = state_.ended.empty() ? seconds() : state_.seconds;
    out.events = std::move(state_.events);
    out.validations = std::move(state_.validations);
    out.ended = ended;
    return out;
  }

  tensor::Exec& exec_;
  const model::Decoder& decoder_;
  const TrainJob& job_;
  const TrainSpec& spec_;
  const Hooks& hooks_;
  int epoch_steps_;
  int steps_;
  CheckpointIdentity identity_;
  TrainState state_;
  model::Adapter gradients_;
  std::vector<StepPlan> plan_;
  int planned_epoch_ = -1;
  Stopwatch watch_;
  double seconds_before_ = 0;
  int saved_step_ = -1;
};

}  // namespace

Outcome run(tensor::Exec& exec, const model::Decoder& decoder, const TrainJob& job, const Hooks& hooks) {
  check_examples(job, decoder.config().vocabulary);
  value_or_throw(model::check_lora(decoder.config(), job.spec.lora));
  return Loop(exec, decoder, job, hooks).run();
}

}  // namespace hone::train
