// Which rows may not stand on two sides of a split.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/row.h"
#include "data/task.h"

namespace hone::data {

// What a row is grouped by where the task names a group column: its group, else "row:" and its id.
std::string group_name(const Row& row);

struct RowGroups {
  std::vector<std::vector<std::size_t>> members;  // indices of rows; every row stands in one group
  std::vector<std::size_t> near;                  // a row's near-duplicates carry the same number
  // Rows of named groups that share near-duplicates and were left apart all the same; 0 as a rule.
  std::size_t left_apart = 0;
};

// Near-duplicates (near_duplicates.h) share a group and, where the task names a group column, so do rows of one name,
// and whatever these chain together. Names that chain into more than a tenth of all rows, because many hold the same
// "thank you", would leave no row to test on: the largest such chains are left apart by name, until what is chained
// takes no more than half of all rows. The order of rows does not matter.
RowGroups group_rows(const std::vector<Row>& rows, const Task& task);

// The id of a new group: the lowest group name, or lowest row id, of its rows.
std::string new_group_id(const std::vector<Row>& rows, const std::vector<std::size_t>& members, const Task& task);

// The output that most of these rows have; of equally frequent ones the first in order.
std::string most_frequent_output(const std::vector<Row>& rows, const std::vector<std::size_t>& members);

}  // namespace hone::data
