// Which validation rows a training looks at, where there are too many to look at all of them each time.
#pragma once

#include <cstddef>
#include <vector>

#include "data/row.h"
#include "data/task.h"

namespace hone::solve {

// Indices of at most `most` rows, in an order fixed by the task's seed and the rows' ids, not by their place in the
// file. Where the task has labels, each gets its share of them (largest remainders), so that rare ones are not left to
// chance.
std::vector<std::size_t> validation_sample(const std::vector<data::Row>& rows, std::size_t most,
                                           const data::Task& task);

}  // namespace hone::solve
