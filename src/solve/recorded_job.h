// A recorded contender as the job it was, with all that the job borrows.
#pragma once

#include <memory>

#include "solve/prompted_stage.h"
#include "solve/train_stage.h"

namespace hone::solve {

// Neither copied nor moved: the job points into it.
struct RecordedJob {
  explicit RecordedJob(const Workspace& workspace) : index(workspace.split.train) {}
  RecordedJob(const RecordedJob&) = delete;
  RecordedJob& operator=(const RecordedJob&) = delete;

  classic::Bm25Index index;
  std::optional<LocalModel> local;    // where the contender needs the base model
  std::optional<TrainedRun> trained;  // the fine-tuned one
  ContenderJob job;
};

// `run` is a "contender" run of the workspace's store; the workspace outlives the job. Failure: the rows or the task
// have changed since, the base model is another one, or this version knows no such contender.
std::unique_ptr<RecordedJob> recorded_job(const Workspace& workspace, const track::RunRecord& run);

}  // namespace hone::solve
