#include "data/split_time.h"

#include <algorithm>
#include <set>

#include "base/terminal.h"
#include "data/row_date.h"

namespace hone::data {

std::optional<std::int64_t> newest(const std::vector<Row>& rows, const std::vector<std::size_t>& members) {
  std::optional<std::int64_t> latest;
  for (const std::size_t i : members) {
    const auto time = seconds_of(rows[i].date);
    if (time && (!latest || *time > *latest)) latest = time;
  }
  return latest;
}

bool has_dates(const std::vector<Row>& rows, std::string& why_not) {
  constexpr std::size_t least_dates = 10;
  std::set<std::int64_t> dates;
  std::size_t filled = 0;
  std::size_t readable = 0;
  std::string unreadable;
  for (const Row& row : rows) {
    if (row.date.empty()) continue;
    ++filled;
    if (const auto time = seconds_of(row.date)) {
      ++readable;
      if (dates.size() < least_dates) dates.insert(*time);
    } else if (unreadable.empty()) {
      unreadable = row.date;
    }
  }
  why_not.clear();
  if (filled == 0) return false;
  if (20 * readable < 19 * rows.size()) {
    why_not = fmt::format("{} of {} rows have a date that can be read{}", readable, rows.size(),
                          unreadable.empty() ? ""
                                             : fmt::format(" (\"{}\" cannot; 2026-11-25 or 2026-11-25T14:07:33Z can)",
                                                           clipped(unreadable, 30)));
  } else if (dates.size() < least_dates) {
    why_not = fmt::format("there are {} dates only", dates.size());
  }
  return why_not.empty();
}

TimeBounds deal_by_time(std::span<DatedGroup> groups, const TimeShares& shares) {
  std::vector<DatedGroup*> newest_first;
  std::size_t total = 0;
  for (DatedGroup& group : groups) {
    group.side = Side::train;
    total += group.rows;
    if (group.time && group.rows <= shares.largest) newest_first.push_back(&group);
  }
  std::sort(newest_first.begin(), newest_first.end(), [](const DatedGroup* a, const DatedGroup* b) {
    return std::pair(-*a->time, a->id) < std::pair(-*b->time, b->id);
  });
  TimeBounds bounds;
  std::size_t at = 0;
  const auto fill = [&](Side side, double share) -> std::optional<std::int64_t> {
    const double wanted = share * static_cast<double>(total);
    std::optional<std::int64_t> oldest;
    for (double rows = 0; rows < wanted && at < newest_first.size(); ++at) {
      newest_first[at]->side = side;
      rows += static_cast<double>(newest_first[at]->rows);
      oldest = newest_first[at]->time;
    }
    return oldest;
  };
  bounds.test_from = fill(Side::test, shares.test);
  bounds.validation_from = fill(Side::validation, shares.validation);
  return bounds;
}

Side side_at(const TimeBounds& bounds, std::optional<std::int64_t> time) {
  if (!time) return Side::train;
  if (bounds.test_from && *time >= *bounds.test_from) return Side::test;
  if (bounds.validation_from && *time >= *bounds.validation_from) return Side::validation;
  return Side::train;
}

}  // namespace hone::data
