// Which labels the rows do not tell apart.
#pragma once

#include <vector>

#include "solve/task_check.h"

namespace hone::solve {

// Every pair of labels with least_pair_rows or more each, the worst told apart first, tested and adjusted; `alike` is
// filled for those that are one.
std::vector<LabelPair> label_pairs(const data::OutOfFold& answers);

}  // namespace hone::solve
