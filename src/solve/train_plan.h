// What a training is going to need, said before it starts: memory from the files' headers and the rows, time from a
// measurement, and which setting would make it fit where it does not.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "solve/local_model.h"
#include "train/train.h"

namespace hone::solve {

struct TrainingNeeds {
  // Bytes of memory.
  std::uint64_t weights = 0;
  std::uint64_t adapter = 0;      // with its gradients and moments
  std::uint64_t activations = 0;  // of the largest micro-batch
  std::uint64_t program = 0;      // code, tokenizer, rows
  std::uint64_t available = 0;
  std::uint64_t total() const { return weights + adapter + activations + program; }
  bool fits() const { return total() <= available; }

  int steps = 0;                   // at most
  std::int64_t tokens = 0;         // the engine computes in all of them
  std::int64_t largest_batch = 0;  // tokens computed at once
  double seconds = 0;              // validations included; 0: not measured
};

// What is to be trained: the task's training rows, the settings, the precision of its base.
struct TrainingQuestion {
  const Workspace& workspace;
  const train::TrainSpec& spec;
  model::Precision precision = model::Precision::f32;
  std::uint64_t available = 0;  // bytes of memory
};

// Opens the model's tokenizer and reads its files' headers; its weights are not loaded. Throws Failure.
TrainingNeeds training_needs(const TrainingQuestion& question);

// Measures the open model with the question's settings, ten seconds or so, for the seconds.
void measure_training(LocalModel& local, const TrainingQuestion& question, const std::stop_token& stop,
                      TrainingNeeds& needs);

// The first change of settings under which a training that does not fit would, as options of `hone train`:
// "--micro-batch 512", then "--checkpoint-activations", then "--precision as-is" or "nf4", or several. Empty: none
// does.
std::string setting_that_fits(const TrainingQuestion& question);

// training_needs() of a training that fits; else Failure (environment) with what it needs, what there is, and the
// setting that would.
TrainingNeeds needs_that_fit(const TrainingQuestion& question);

}  // namespace hone::solve
