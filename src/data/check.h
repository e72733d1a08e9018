// What is wrong with the rows: empty, duplicate, conflicting or suspect labels, train-test leakage, rows set aside,
// shortcut words, truncation, lengths, balance, size, characters, secrets and personal data, made by a pattern,
// shifted.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/finding.h"
#include "data/out_of_fold.h"
#include "data/row.h"
#include "data/shift.h"
#include "data/split.h"
#include "data/task_rows.h"

namespace hone::data {

struct CheckInput {
  const Task* task = nullptr;
  std::vector<Rejected> rejected;
  std::vector<Row> train;       // rows of the train file
  std::vector<Row> validation;  // of the user's own files, may be empty
  std::vector<Row> test;
  std::vector<std::string> columns;  // met in any of the files; empty: not known
  const Split* split = nullptr;      // made from these rows; null: not made yet
  // Tokens of a row's prompt and answer, for truncation; may be empty (then truncation is not checked, and says so).
  std::function<int(const Row&)> tokens;
  int max_tokens = 0;
  // Tokens of a row's answer and of the end of its turn; none where the model's template closes no answer. May be
  // empty.
  std::function<std::optional<int>(const Row&)> answer_tokens;
  // Of a classify task's rows, for suspect labels and shortcut words; null: neither is looked for.
  const OutOfFold* out_of_fold = nullptr;
  std::vector<Shift> shifts;  // what a classifier can tell apart; empty: not looked at
};
std::vector<Finding> check_data(const CheckInput& input);

// The input of the check for the rows that were read; split and tokens are still to be set.
CheckInput check_input(const Task& task, TaskRows rows);

// What so many test rows can show, said before anything is compared: "With 560 test rows a difference shows from about
// 2.6, 3.7 or 5.3 points on, where two contenders disagree on 5, 10 or 20 of 100 rows." 80 % power at alpha .05: 2.80
// sqrt(share that disagrees / rows).
std::string smallest_difference_text(std::size_t test_rows);

}  // namespace hone::data
