// Which rows a training step holds, how they are cut into micro-batches, and how many tokens that is: a pure function
// of the examples and the spec, so that a resumed run does what the unbroken one would have done.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/train.h"

namespace hone::train {

// Indices into the examples; one entry a micro-batch.
using StepPlan = std::vector<std::vector<int>>;

// ceil(examples / batch_rows).
int steps_per_epoch(std::size_t examples, const TrainSpec& spec);

// The steps of `epoch` (from 0). Row order: Fisher-Yates by Rng(seed, epoch). The rows of a step are sorted by token
// ids, so that neighbours share prefixes, then cut greedily at micro_batch_tokens computed tokens (at least one row
// each); this changes the order in which a step's gradients are added, not the step.
std::vector<StepPlan> plan_epoch(std::span<const data::Example> examples, const TrainSpec& spec, int epoch);

struct TokenPlan {
  int steps = 0;              // of one epoch
  std::int64_t tokens = 0;    // of the rows, a shared prefix counted once a row
  std::int64_t computed = 0;  // what the engine runs: what rows share once a micro-batch, the last token of a row never
};
// Figures of the first epoch.
TokenPlan plan_tokens(std::span<const data::Example> examples, const TrainSpec& spec);

// Prompt and answer without the last token, which is predicted and never read.
std::vector<text::TokenId> run_ids(const data::Example& example);

}  // namespace hone::train
