// Finished contenders out of the store, without running anything.
#pragma once

#include <optional>
#include <vector>

#include "eval/contender.h"
#include "solve/workspace.h"

namespace hone::solve {

// The contender that `record` scored, measured anew by today's task (its metric may have changed since): none where the
// run is no finished contender of the workspace's data, or lacks an answer to a validation or test row.
std::optional<eval::ContenderResult> recorded_contender(const Workspace& workspace, const track::RunRecord& record);

// All of them, in the order in which they were begun. Of several with one name (a fine-tuned model for each learning
// rate that was tried) the best by the task's metric on the validation rows, the newest of equal ones.
std::vector<eval::ContenderResult> recorded_contenders(const Workspace& workspace);

}  // namespace hone::solve
