// What a classifier says of each row that saw neither the row nor its near-duplicates. classic/ makes it, since data/
// knows no classifier (classic/out_of_fold.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/row.h"

namespace hone::data {

struct OutOfFold {
  std::vector<Row> rows;                           // with a known label each
  std::size_t left_out = 0;                        // rows beyond the most that are looked at
  std::vector<std::string> labels;                 // the task's
  std::vector<std::size_t> given;                  // [row]: place of its label in `labels`
  std::vector<std::vector<double>> probabilities;  // [row][label], sum to one
  // The same for another input in the place of a row's own.
  std::function<std::vector<double>(std::size_t row, const std::string& input)> answer;
};

// The place of the largest; of equal ones the first.
std::size_t best_label(const std::vector<double>& probabilities);

}  // namespace hone::data
