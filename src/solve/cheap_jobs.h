// The contenders that need no language model: seconds for thousands of rows.
#pragma once

#include "solve/contenders.h"

namespace hone::solve {

// Rows that vote in kNN.
inline constexpr int knn_neighbours = 8;

// Majority class, kNN (BM25) and the plain classifier; for text and json tasks copying the input and the nearest row's
// output. Under 400 rows they are chosen by 5-fold cross-validation. `workspace` outlives the jobs.
std::vector<ContenderJob> cheap_jobs(const Workspace& workspace);

}  // namespace hone::solve
