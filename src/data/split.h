// Train, validation and test by group, so that near-duplicates never straddle sides, and stable as rows are added.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/row.h"

namespace hone::data {

struct Split {
  std::vector<Row> train;
  std::vector<Row> validation;
  std::vector<Row> test;
  // Listed and used nowhere: new rows that join groups on two sides; rows that nearly duplicate one of the user's own
  // test or validation file.
  std::vector<Row> set_aside;
  std::vector<Row> unscored;         // of validation and test beyond the 3,000 scored
  std::vector<std::string> notices;  // "test has 120 rows, fewer than 150: ..."
};

constexpr std::size_t least_side_rows = 150;
constexpr std::size_t most_scored_rows = 3000;

// Groups rows (task's group column, else near-duplicates share a group: see near_duplicates.h), then splits groups
// 65/15/20; with a test file of the user's own the rest is split 80/20, with a validation file 80/20 for test; with
// both all rows train. Where there are 450 rows each side gets at least 150. At most 3,000 rows of validation and of a
// test side made here are scored (lowest hashes of their ids); the user's own test file is used whole.
//
// The first split is stratified: within each label, groups go in the order of their hash (group id and seed) to the
// side that is furthest behind its fraction. A group larger than a tenth of all rows trains. Later groups go by their
// hash against the fractions of the first split, so a row never changes side as rows are added.
//
// `memory` is null or {} at first and is then updated: {"version": 1, "seed", "fractions": {validation, test},
// "groups":
// {"train": [group ids], "validation": [...], "test": [...]}, "rows": [[row id, group id], ...] where they differ}.
// Throws Failure (bad_input) where it holds something else. Row::group is filled everywhere.
struct SplitInput {
  std::vector<Row> rows;             // of the train file
  std::vector<Row> validation_rows;  // of the user's validation file, if any
  std::vector<Row> test_rows;        // of the user's test file, if any
};
Split split_rows(SplitInput input, const Task& task, Json& memory);

// K folds of `rows` by group (Row::group, else the id), stratified by output and ordered by hash: fold index a row,
// from 0. Rows of one group share a fold.
std::vector<int> folds(const std::vector<Row>& rows, int k, std::uint64_t seed);

}  // namespace hone::data
