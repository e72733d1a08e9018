// What earlier splits fixed, so that a row never changes side as rows are added.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/json.h"
#include "data/task.h"

namespace hone::data {

enum class Side : std::size_t { train, validation, test };
inline constexpr std::array<const char*, 3> side_names = {"train", "validation", "test"};
inline const char* name_of(Side side) { return side_names[static_cast<std::size_t>(side)]; }

// Where the sides of a split by time begin, in seconds since 1970; nothing for a side that was not dealt.
struct TimeBounds {
  std::optional<std::int64_t> validation_from;
  std::optional<std::int64_t> test_from;
};

struct SplitMemory {
  bool is_new = true;
  std::uint64_t seed = 1;
  std::string group_column;         // the task's, by which names were grouped
  std::string date_column;          // the task's, by which rows were dated
  std::optional<TimeBounds> times;  // of a split by time
  double validation_share = 0;
  double test_share = 0;
  std::unordered_map<std::string, Side> sides;                 // group -> side
  std::unordered_map<std::string, std::string> group_of_row;   // row id -> group, where they differ
  std::unordered_map<std::string, std::string> group_of_name;  // group name -> group, where they differ
};

// Reads what to_json() wrote; null or {} is a new one with the task's seed. Throws Failure (bad_input) for anything
// else.
SplitMemory split_memory(const Json& json, const Task& task);

// {"version": 1, "seed", "by": the group column, "dated_by": the date column, "times": {validation, test} of a split by
// time, "fractions": {validation, test}, "groups": {"train": [ids], ...},
// "rows": [[row id, group], ...], "names": [[group name, group], ...]}, sorted.
Json to_json(const SplitMemory& memory);

}  // namespace hone::data
