// LoRA fine-tuning: AdamW, warm-up and decay, clipping, exact accumulation, validation by the task's metric, early
// stop, checkpoints and exact resume.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/files.h"
#include "data/encode.h"
#include "model/decoder.h"

namespace hone::train {

enum class Decay { cosine, linear };

struct TrainSpec {
  model::LoraSpec lora;
  double learning_rate = 5e-4;
  int epochs = 3;
  int batch_rows = 16;            // effective batch
  int micro_batch_tokens = 2048;  // computed tokens a micro-batch holds at most (at least one row)
  double warmup = 0.1;            // share of the steps
  Decay decay = Decay::linear;    // to zero
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.01;
  double clip = 1.0;       // global gradient norm
  std::uint64_t seed = 1;  // data order
  int validations_per_epoch = 2;
  int patience = 4;               // validations without gain before stopping; 0: never
  int checkpoint_every = 50;      // steps; also after each validation and on a stop
  double b_rate_ratio = 1;        // LoRA+ (Hayou et al. 2024): B's learning rate is this times A's
  double neftune = 0;             // NEFTune's alpha (see model::Noise::embedding)
  double prompt_loss_weight = 0;  // of a prompt's token in the loss, where an answer's weighs 1
  model::Activations activations = model::Activations::kept;
};
// What came after the first version is written only where it is used, so that specs, and the keys made of them, stay
// what they were.
Json to_json(const TrainSpec& spec);
Result<TrainSpec> spec_from_json(const Json& json);

// Whether rows that begin alike share that part's computation. Noise is drawn for each row, so with any they do not.
enum class Sharing : std::uint8_t { prefixes, none };
Sharing sharing_of(const TrainSpec& spec);
// What a user should know of these settings before the run: one sentence each.
std::vector<std::string> notices(const TrainSpec& spec);

struct StepEvent {
  int step = 0;   // from 1
  int steps = 0;  // planned
  double epoch = 0;
  double loss = 0;  // mean over loss tokens
  double gradient_norm = 0;
  double learning_rate = 0;
  std::int64_t tokens = 0;    // of the rows of this step, shared tokens counted once a row
  std::int64_t computed = 0;  // tokens the engine ran
  double seconds = 0;
  bool skipped = false;  // the loss was not finite
};

struct Validation {
  int step = 0;
  double metric = 0;  // the task's; higher is better
  double loss = 0;    // mean over the validation rows' loss tokens
};

struct Hooks {
  std::function<void(const StepEvent&)> on_step;
  // Scores the adapter on the validation rows. Empty: no validation, the last step's adapter is kept. What it returns
  // after `stop` was requested is thrown away.
  std::function<Validation(const model::Adapter&, int step)> validate;
  std::function<void(const Validation&)> on_validation;
  std::function<void(const std::string&)> on_notice;  // one sentence for the user
  std::stop_token stop;
};

struct Outcome {
  model::Adapter adapter;  // the best by validation, else the last
  int steps = 0;
  int best_step = 0;
  std::int64_t tokens = 0;
  double seconds = 0;
  std::vector<StepEvent> events;
  std::vector<Validation> validations;
  std::string ended;  // "all epochs", "no gain for 4 validations", "time", "interrupted"
};

struct TrainJob {
  std::span<const data::Example> examples;
  TrainSpec spec;
  // Empty: no checkpoints. One that holds a checkpoint of the same job is resumed, bit-exactly (a finished one gives
  // its outcome at once); of another job: a Failure (bad_input).
  Path checkpoint_folder;
  std::string base_sha256;  // of the base weights, part of the job's identity
  // When to end before the epochs are over, as ended = "time"; no part of what is trained, 0: never.
  double max_seconds = 0;  // of this sitting
  int max_steps = 0;       // of the run: replays one whose time was up after as many
};

// Training that cannot go on: the same start would break down again, at the same step.
class BrokeDown : public Failure {
 public:
  using Failure::Failure;
};

// Trains. Throws BrokeDown (bad_input) after three non-finite losses in a row, Failure (bad_input) on an example
// without prompt or answer and on LoRA settings that the model has no place for (model::check_lora); an interrupt ends
// with ended = "interrupted" and a checkpoint. After kill -9 the steps since the last checkpoint are run again, so
// on_step and on_validation may see a step number twice, with equal figures.
Outcome run(tensor::Exec& exec, const model::Decoder& decoder, const TrainJob& job, const Hooks& hooks);

struct PackSpec {
  Sharing sharing = Sharing::prefixes;
  double prompt_weight = 0;     // of a loss on the prompt's tokens; its first one has nothing before it
  std::span<const int> rows{};  // numbers that name the examples, for noise; empty: 0, 1, ...
};

// Packs examples into one batch: the trie of their token ids, so that shared prefixes are computed once, or each
// example as a root of its own. Targets carry weight 1 a loss token; equal targets of one row are one target with their
// summed weight. The last token of an example is only predicted, never run.
model::TrainBatch pack(std::span<const data::Example* const> examples, const PackSpec& spec = {});

}  // namespace hone::train
