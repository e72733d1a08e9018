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
// Pure. In this order, each at most once:
//   divergence: a loss that was not finite, or a loss over 3 times (a gradient norm over 10 times) the running median
//   of the 20
//     steps before it and above where training began.
//   single-class-collapse: judged against the gold shares: one label over 95 % of the answers while its gold share is
//   well
//     below, or the only answer although five rows or more have other labels.
//   no-learning: the last losses at .95 of the first or above, or the tuned answers equal to the untuned ones.
//   overfit: the validation loss up three times in a row, or at the end half as high again as at its best and
//   .1 above it, while the
//   training loss falls.
std::vector<data::Finding> diagnose(const RunEvidence& evidence);
// The same for a run in the store: the rows of a training run are those of the newest contender made from it, the
// untuned ones those of the newest run called "zero-shot".
std::vector<data::Finding> diagnose_run(const track::Store& store, const data::Task& task, const std::string& run);

// For tables that give an accuracy only: whether a score on n rows may come from always giving the same answer, that is
// whether its Wilson interval reaches down to `largest_share`, the share of the most frequent label.
bool no_better_than_one_label(double accuracy, std::size_t n, double largest_share);

}  // namespace hone::diagnose
