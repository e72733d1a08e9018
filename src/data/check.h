// The first findings: empty, duplicate, conflicting labels, train-test leakage, truncation, balance.
#pragma once

#include <functional>
#include <vector>

#include "data/finding.h"
#include "data/row.h"
#include "data/split.h"

namespace hone::data {

struct CheckInput {
  const Task* task = nullptr;
  std::vector<Rejected> rejected;
  std::vector<Row> train;       // rows of the train file
  std::vector<Row> validation;  // of the user's own files, may be empty
  std::vector<Row> test;
  // Tokens of a row's prompt and answer, for truncation; may be empty (then truncation is not checked, and says so).
  std::function<int(const Row&)> tokens;
  int max_tokens = 0;
};
std::vector<Finding> check_data(const CheckInput& input);

}  // namespace hone::data
