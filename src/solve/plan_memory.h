// The plan as it is remembered in .hone/plan.json, so that a second start does what the first one said.
#pragma once

#include <optional>

#include "solve/plan.h"

namespace hone::solve {

struct RememberedPlan {
  PlanInput input;
  Plan plan;
  std::optional<TrainingPlan> training;                // as decided when training began; none before
  model::Precision precision = model::Precision::f32;  // in which the base is kept
  bool is_of_this_start = false;                       // made in it, not remembered from an earlier one
};

// `key` names what the plan is for: rows and base model. Nothing where there is none for it, or it cannot be read.
std::optional<RememberedPlan> load_plan(const Path& file, const std::string& key);
// The precision of the plan that is remembered, whatever it is for. Nothing where none is.
std::optional<model::Precision> remembered_precision(const Path& file);
// Throws Failure (environment).
void save_plan(const Path& file, const std::string& key, const RememberedPlan& remembered);

}  // namespace hone::solve
