// Answers of a plain classifier fitted on some rows, to others.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/row.h"

namespace hone::classic {

// Place in `labels` of the answer to each of `asked`: the features of NgramClassifier, learnt on `rows`, and logistic
// regression with the given C. Rows with an output outside `labels` are left out. Deterministic.
std::vector<std::size_t> held_out_answers(std::span<const data::Row> rows, std::span<const data::Row> asked,
                                          const std::vector<std::string>& labels, double c);

}  // namespace hone::classic
