// Plans as JSON: printed, and remembered beside the task.
#pragma once

#include "base/json.h"
#include "solve/plan.h"

namespace hone::solve {

// {stages: [{stage, name, seconds, skipped, why}], seconds, zero_shot, shots, knn_shots, probe, training,
// tokens_a_second, download_bytes, disk_bytes, kept_bytes, usd, leaves_machine}
Json to_json(const Plan& plan);
Result<Plan> plan_from_json(const Json& json);
Json to_json(const TrainingPlan& training);
Result<TrainingPlan> training_from_json(const Json& json);
Json to_json(const PlanInput& input);
Result<PlanInput> plan_input_from_json(const Json& json);

}  // namespace hone::solve
