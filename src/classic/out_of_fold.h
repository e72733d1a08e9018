// Every row answered by a plain classifier and by its neighbours, neither of which saw it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/out_of_fold.h"

namespace hone::classic {

struct OutOfFoldSpec {
  int folds = 5;
  double c = 10;  // of the logistic regression
  std::uint64_t seed = 1;
  std::size_t most_rows = 20'000;               // the lowest hashes of ids are looked at
  std::function<void(int folds_done)> on_fold;  // may be empty
};

// The features of NgramClassifier on all rows (idf knows no labels); weights fitted for each fold on the rows outside
// it, and the votes of the 15 most similar of these rows, each weighing as the square of its cosine. The answer is the
// mean of both: where labels are wrong one is misled by other rows than the other. Rows of one group share a fold
// (data/split.h, folds). Rows with an output outside `labels` are left out. Deterministic. Expects two rows or more.
data::OutOfFold out_of_fold(std::vector<data::Row> rows, const std::vector<std::string>& labels,
                            const OutOfFoldSpec& spec);

}  // namespace hone::classic
