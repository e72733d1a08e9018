// Fine-tuning as a recorded run: encode, train with validation by the task's metric, keep the best adapter.
#pragma once

#include "solve/contenders.h"
#include "solve/local_model.h"
#include "train/train.h"

namespace hone::solve {

struct TrainedRun {
  std::string run;
  Path adapter_folder;  // PEFT layout
  model::Adapter adapter;
  std::vector<train::StepEvent> steps;
  std::vector<train::Validation> validations;
  std::string ended;
  double seconds = 0;
  std::int64_t tokens = 0;
};

// One training, and when it ends before its epochs are over.
struct TrainJobSpec {
  train::TrainSpec spec;
  double max_seconds = 0;  // of this sitting; 0: no limit
  int max_steps = 0;       // of the run; 0: all
  Path checkpoint_folder;  // train_adapter() only; empty: none
  Quiet quiet;
};

enum class TrainEnd { finished, interrupted, failed };
struct TrainResult {
  TrainEnd end = TrainEnd::interrupted;
  std::string run;                    // what it recorded is in the store, also where it failed
  std::optional<TrainedRun> trained;  // finished
  std::string why{};                  // failed: how training broke down
  bool was_trained_before = false;    // finished: by an earlier call; this one only loaded it
};

// Trains, or loads the adapter of the finished run with the same data, metric, base model and spec; an interrupted one
// goes on from its checkpoint, and one that broke down stays so, since it would again. Throws Failure where something
// outside stops it (a full disk); the next call then goes on.
TrainResult train_run(Workspace& workspace, LocalModel& local, const TrainJobSpec& job, std::stop_token stop);

// The newest run of this spec, whatever became of it.
std::optional<track::RunRecord> recorded_training(const Workspace& workspace, const LocalModel& local,
                                                  const train::TrainSpec& spec);

// Training alone, unrecorded but for `recording`: validation by the task's metric on the validation rows, progress
// shown.
train::Outcome train_adapter(Workspace& workspace, LocalModel& local, const TrainJobSpec& job,
                             const train::Hooks& recording);

// The fine-tuned adapter as a contender.
ContenderJob tuned_job(const Workspace& workspace, LocalModel& local, const TrainedRun& trained);

}  // namespace hone::solve
