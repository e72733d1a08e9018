// Train, validation and test by group, so that near-duplicates never straddle sides, and stable as rows are added.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/row.h"

namespace hone::data {

// A row that is used nowhere: a new row that joins groups on two sides, or one that nearly duplicates a row of the
// user's own test or validation file.
struct SetAside {
  struct Touched {
    std::string group;  // or the row id, of the user's own file
    std::string side;
  };
  Row row;
  std::string file;  // its name without folders; Row::line is a line of it
  std::vector<Touched> touches;
  std::string why{};  // where it is something else than what it touches
};
std::string why_set_aside(const SetAside& row);  // "nearly repeats rows of train (ab12-1) and of test (cd34-1)"

struct Split {
  std::vector<Row> train;
  std::vector<Row> validation;
  std::vector<Row> test;
  std::vector<SetAside> set_aside;
  std::vector<Row> unscored;         // of validation and test beyond the 3,000 scored
  std::vector<std::string> notices;  // "test has 120 rows, fewer than 150: ..."
};

constexpr std::size_t least_side_rows = 150;
constexpr std::size_t most_scored_rows = 3000;

// Groups rows (near-duplicates and rows of one name of the task's group column: see group_rows.h), then splits groups
// 65/15/20; with a test file of the user's own the rest is split 80/20, with a validation file 80/20 for test; with
// both all rows train. Where there are 450 rows each side gets at least 150. At most 3,000 rows of validation and of a
// test side made here are scored (lowest hashes of their ids); the user's own test file is used whole.
//
// The first split is stratified: within each label, groups go in the order of their hash (group id and seed) to the
// side that is furthest behind its fraction. A group larger than a tenth of all rows trains. Later groups go by their
// hash against the fractions of the first split, so a row never changes side as rows are added.
//
// Rows with dates (DataFiles::date; see has_dates()) are split by time instead: the newest groups test, those before
// them validate; a later group goes by its newest date to where the first split's sides begin, or trains without one.
//
// Generated rows (row.h), whichever file they stand in, train or are set aside: where they were made from a row of
// validation or test, nearly duplicate one, or stand in the user's own test or validation file. They are not counted
// when sides are dealt.
//
// `memory` is null or {} at first and is then updated (split_memory.h). Where the task's files or group column changed
// so that it no longer fits, rows are split anew, with a notice. Throws Failure (bad_input) where it holds something
// else. Row::group is filled everywhere.
struct SplitInput {
  std::vector<Row> rows;              // of the train file
  std::vector<Row> validation_rows;   // of the user's validation file, if any
  std::vector<Row> test_rows;         // of the user's test file, if any
  std::vector<Row> generated_rows{};  // of the file of generated rows, if any
};
Split split_rows(SplitInput input, const Task& task, Json& memory);

// The same with the memory that `file` holds (none where it is not there); nothing is written. Failure (bad_input)
// where it cannot be read names the file and says what to do.
struct RememberedSplit {
  Split split;
  Json memory;
  bool is_changed = false;  // the memory is to be kept again
};
RememberedSplit split_remembered(SplitInput input, const Task& task, const Path& file);

// K folds of `rows` by group (Row::group, else the id), stratified by output and ordered by hash: fold index a row,
// from 0. Rows of one group share a fold.
std::vector<int> folds(const std::vector<Row>& rows, int k, std::uint64_t seed);

}  // namespace hone::data
