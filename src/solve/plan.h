// What a solve is going to do, decided before it starts: stages with minutes, few-shot sizes and epochs that fit the
// budget.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "solve/local_model.h"
#include "train/train.h"

namespace hone::solve {

struct PlanInput {
  std::size_t train_rows = 0;
  std::size_t scored_rows = 0;  // validation and test
  std::size_t validation_rows = 0;
  std::size_t labels = 0;    // 0: free text answers
  double row_tokens = 0;     // mean tokens of a row that are not in the shared prompt prefix
  double prefix_tokens = 0;  // instruction and template, the same for every row
  double answer_tokens = 0;
  Rates rates;
  double budget_seconds = 0;  // 0: none
};

struct Stage {
  std::string name;
  double seconds = 0;
  bool skipped = false;
  std::string why;  // what was reduced or skipped to fit, empty otherwise
};

struct Plan {
  std::vector<Stage> stages;
  bool zero_shot = true;
  int shots = 8;      // 0: no few-shot contender
  int knn_shots = 4;  // 0: no kNN few-shot contender
  bool probe = true;
  int epochs = 3;  // 0: no fine-tuning
  int validations_per_epoch = 2;
  double max_train_seconds = 0;  // 0: no limit
  double total_seconds() const;
};

// Starts from 8 shots, 4 neighbours and 3 epochs; where the budget is shorter it takes away, in this order: neighbours
// to 2, shots to 4, validations to one an epoch, epochs to 2, neighbours to none, the probe, epochs to 1, few-shot.
Plan make_plan(const PlanInput& input);

Json to_json(const Plan& plan);
Result<Plan> plan_from_json(const Json& json);

}  // namespace hone::solve
