// What went wrong, from rows and steps: single-class collapse, no learning, overfit, divergence. Each a Finding.
#pragma once

#include <vector>

#include "data/finding.h"
#include "data/task.h"
#include "eval/score.h"
#include "track/store.h"
#include "train/train.h"

namespace hone::diagnose {

struct RunEvidence {
  std::string run;
  const data::Task* task = nullptr;
  std::vector<train::StepEvent> steps;
  std::vector<train::Validation> validations;
  std::vector<eval::ScoredRow> validation_rows;  // scored by the best adapter
  std::vector<eval::ScoredRow> untuned_rows;     // the same rows by the bare base, may be empty
};
// Pure. Collapse is judged against the gold shares: one label over 95 % of answers while its gold share is well below.
std::vector<data::Finding> diagnose(const RunEvidence& evidence);
// The same for a run in the store.
std::vector<data::Finding> diagnose_run(const track::Store& store, const data::Task& task, const std::string& run);

}  // namespace hone::diagnose
