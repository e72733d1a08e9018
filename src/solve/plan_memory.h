// The plan as it is remembered in .hone/plan.json, so that a second start does what the first one said.
#pragma once

#include <optional>

#include "solve/plan.h"

namespace hone::solve {

struct RememberedPlan {
  PlanInput input;
  Plan plan;
  std::optional<TrainingPlan> training;  // as decided when training began; none before
};

// `key` names what the plan is for: rows and base model. Nothing where there is none for it, or it cannot be read.
std::optional<RememberedPlan> load_plan(const Path& file, const std::string& key);
// Throws Failure (environment).
void save_plan(const Path& file, const std::string& key, const RememberedPlan& remembered);

}  // namespace hone::solve
