// Splitting by time: what came last is tested on, as it will be in use.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/row.h"
#include "data/split_memory.h"

namespace hone::data {

struct DatedGroup {
  std::string id;
  std::optional<std::int64_t> time;  // of its newest row with a date
  std::size_t rows = 0;
  Side side = Side::train;  // result
};

// The newest date of these rows, in seconds since 1970; nothing where none of them has one that can be read.
std::optional<std::int64_t> newest(const std::vector<Row>& rows, const std::vector<std::size_t>& members);

// Whether the rows can be split by time: 19 of 20 have a date that can be read, and there are ten dates at least.
// `why_not` then stays empty; it says why where there are dates all the same.
bool has_dates(const std::vector<Row>& rows, std::string& why_not);

struct TimeShares {
  double validation = 0;  // of all rows
  double test = 0;
  std::size_t largest = 0;  // a group of more rows trains
};

// From the newest group backwards: test until its share is reached, then validation, then train; equally new ones in
// the order of their ids. Groups without a date train. Fills DatedGroup::side; returns where the sides begin.
TimeBounds deal_by_time(std::span<DatedGroup> groups, const TimeShares& shares);

// The side of a group that came later.
Side side_at(const TimeBounds& bounds, std::optional<std::int64_t> time);

}  // namespace hone::data
