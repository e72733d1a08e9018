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

// Trains, or loads the adapter of the finished run with the same data, base model and spec; an interrupted one goes on
// from its checkpoint. Nothing when `stop` came before the end.
std::optional<TrainedRun> train_run(Workspace& workspace, LocalModel& local, const train::TrainSpec& spec,
                                    std::stop_token stop, const Quiet& quiet);

// Training alone, unrecorded but for `recording`: validation by the task's metric on the validation rows, progress
// shown.
struct TrainJobSpec {
  train::TrainSpec spec;
  Path checkpoint_folder;  // empty: none
  Quiet quiet;
};
train::Outcome train_adapter(Workspace& workspace, LocalModel& local, const TrainJobSpec& job,
                             const train::Hooks& recording);

// The fine-tuned adapter as a contender.
ContenderJob tuned_job(const Workspace& workspace, LocalModel& local, const TrainedRun& trained);

}  // namespace hone::solve
