// Train, validation and test by group, so that near-duplicates never straddle sides, and stable as rows are added.
#pragma once

#include <string>
#include <vector>

#include "data/row.h"

namespace hone::data {

struct Split {
  std::vector<Row> train;
  std::vector<Row> validation;
  std::vector<Row> test;
  std::vector<Row> set_aside;        // joined groups on two sides: listed, used nowhere
  std::vector<std::string> notices;  // "test has 120 rows, fewer than 150: ..."
};

// Groups rows (task's group column, else near-duplicates share a group: see near_duplicates.h), then sides by hash of
// group id and seed: 65/15/20; with a test file of the user's own the rest is split 80/20; test and validation at least 150
// rows (where there are enough) and at most 3,000 scored each (lowest hashes).
// `memory` holds earlier group sides ({"groups": {id: side}}) and is updated, so a row never changes side as rows are added.
struct SplitInput {
  std::vector<Row> rows;              // of the train file
  std::vector<Row> validation_rows;   // of the user's validation file, if any
  std::vector<Row> test_rows;         // of the user's test file, if any
};
Split split_rows(SplitInput input, const Task& task, Json& memory);

// K folds of `rows` by group hash, for cross-validation with few rows: fold index a row.
std::vector<int> folds(const std::vector<Row>& rows, int k, std::uint64_t seed);

}  // namespace hone::data
