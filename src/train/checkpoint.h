// The whole state of a training run in one file, so that it goes on after kill -9 as if nothing had happened.
//
// checkpoint.safetensors holds "adapter/NAME", "first_moment/NAME", "second_moment/NAME" and, once there is one,
// "best/NAME" for every tensor of the adapter, f32; its metadata "hone" is the rest as JSON. It is written aside and
// renamed, so at any moment either the old or the new one lies there whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/train.h"

namespace hone::train {

struct TrainState {
  model::Adapter adapter;
  model::Adapter first_moments;
  model::Adapter second_moments;
  std::optional<model::Adapter> best;  // the best by validation
  int step = 0;                        // steps done; the data order is a function of seed and step
  int updates = 0;                     // steps that changed the adapter
  int skipped_in_a_row = 0;
  int best_step = 0;
  int without_gain = 0;  // validations since the best
  std::int64_t tokens = 0;
  double seconds = 0;  // over all sittings
  std::vector<StepEvent> events;
  std::vector<Validation> validations;
  std::string ended;  // empty while there is more to do
};

// Adapter as init, moments zero.
TrainState first_state(const model::Config& config, const model::LoraSpec& lora);

// SHA-256 over all that decides the outcome: the spec (without checkpoint_every and activations, which
// change no bit), the examples' ids,
// the decoder's shape and `base_sha256`.
std::string fingerprint(const model::Config& config, const TrainJob& job);

struct CheckpointIdentity {
  std::string fingerprint;
  int threads = 0;  // another number gives sums rounded otherwise: a notice on resume
};
Path checkpoint_file(const Path& folder);
void save_checkpoint(const Path& folder, TrainState& state, const CheckpointIdentity& identity);
struct LoadedCheckpoint {
  TrainState state;
  std::string notice;  // for the user; "" where all is as it was
};
// Nullopt where there is none. Failure (bad_input) naming the file where it is damaged or belongs to another job.
std::optional<LoadedCheckpoint> load_checkpoint(const Path& folder, const model::Config& config,
                                                const model::LoraSpec& lora, const CheckpointIdentity& identity);

}  // namespace hone::train
