#include "data/split.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/files.h"
#include "base/terminal.h"
#include "data/deal_groups.h"
#include "data/group_rows.h"
#include "data/split_memory.h"
#include "data/split_parts.h"
#include "data/split_time.h"

namespace hone::data {
namespace {

// A larger group would make a test of one case.
constexpr double largest_dealt_group = 0.1;
constexpr double validation_share = 0.15;
constexpr double test_share = 0.20;

// Which sides the user brought files for.
struct OwnFiles {
  bool validation = false;
  bool test = false;
};

struct Fractions {
  double validation = 0;
  double test = 0;
};

Fractions first_fractions(std::size_t rows, OwnFiles own) {
  Fractions fractions;
  if (!own.validation) fractions.validation = own.test ? test_share : validation_share;
  if (!own.test) fractions.test = test_share;
  if (rows < 3 * least_side_rows) return fractions;
  const double least = static_cast<double>(least_side_rows) / static_cast<double>(rows);
  if (!own.validation) fractions.validation = std::max(fractions.validation, least);
  if (!own.test) fractions.test = std::max(fractions.test, least);
  return fractions;
}

class Splitter {
 public:
  Splitter(SplitInput input, const Task& task, Json& memory_json)
      : input_(std::move(input)), task_(task), memory_json_(memory_json), memory_(split_memory(memory_json, task)) {}

  Split run() {
    take_generated(input_, task_, split_);
    own_ = {.validation = !input_.validation_rows.empty(), .test = !input_.test_rows.empty()};
    forget_if_files_went();
    forget_if_grouped_otherwise();
    forget_if_dated_otherwise();
    protect_own_files(input_, task_, split_);
    groups_ = group_rows(input_.rows, task_);
    for (const auto& members : groups_.members) settled_.push_back(settle(members));
    if (memory_.is_new) {
      deal_first();
    } else {
      deal_later();
    }
    place_rows();
    take_own_files();
    memory_.is_new = false;
    memory_json_ = to_json(memory_);
    bound_side(split_, Side::validation, most_scored_rows, memory_.seed);
    if (!own_.test) bound_side(split_, Side::test, most_scored_rows, memory_.seed);
    place_generated(std::move(input_.generated_rows), task_, split_);
    note_small_sides(split_);
    return std::move(split_);
  }

 private:
  // A group of these rows, as earlier splits know it.
  struct Settled {
    std::string group;                 // of its new rows
    bool is_new = false;               // no row of it was split before
    std::vector<std::string> touched;  // where rows of it stand on two sides: a group of each
  };

  void forget(const std::string& why) {
    const std::uint64_t seed = memory_.seed;
    memory_ = split_memory(Json(), task_);
    memory_.seed = seed;
    split_.notices.push_back(why + ": rows were split anew");
  }

  // A side that the user's own file stood for was never dealt: without the file there would be none.
  void forget_if_files_went() {
    const bool lacks_validation = !own_.validation && memory_.validation_share <= 0;
    const bool lacks_test = !own_.test && memory_.test_share <= 0;
    if (memory_.is_new || (!lacks_validation && !lacks_test)) return;
    forget(fmt::format("the task no longer names its own {} file", lacks_test ? "test" : "validation"));
  }

  // Kept sides would tear the groups that the task names now.
  void forget_if_grouped_otherwise() {
    if (memory_.is_new || memory_.group_column == task_.data.group) return;
    forget(task_.data.group.empty() ? std::string("the task no longer names a group column")
                                    : fmt::format("the task now groups by \"{}\"", printable(task_.data.group)));
  }

  void forget_if_dated_otherwise() {
    if (memory_.is_new || memory_.date_column == task_.data.date) return;
    forget(task_.data.date.empty()
               ? std::string("the task no longer names a date column")
               : fmt::format("the task now goes by the dates in \"{}\"", printable(task_.data.date)));
  }

  // The group in which an earlier split left this very row; empty for a new row.
  std::string recorded_group(const Row& row) const {
    if (const auto found = memory_.group_of_row.find(row.id); found != memory_.group_of_row.end()) return found->second;
    return task_.data.group.empty() && memory_.sides.contains(row.id) ? row.id : std::string();
  }

  // The group that holds the row's name; empty where the name is new, or the task names none.
  std::string named_group(const Row& row) const {
    if (task_.data.group.empty()) return {};
    const std::string name = group_name(row);
    if (const auto found = memory_.group_of_name.find(name); found != memory_.group_of_name.end()) return found->second;
    return memory_.sides.contains(name) ? name : std::string();
  }

  std::string known_group(const Row& row) const {
    std::string group = recorded_group(row);
    return group.empty() ? named_group(row) : group;
  }

  // The lowest group on each side, in the order of sides.
  std::vector<std::string> lowest_by_side(const std::set<std::string>& groups) const {
    std::map<Side, std::string> lowest;
    for (const std::string& group : groups) lowest.emplace(memory_.sides.at(group), group);
    std::vector<std::string> found;
    for (const auto& [side, group] : lowest) found.push_back(group);
    return found;
  }

  Settled settle(const std::vector<std::size_t>& members) const {
    std::set<std::string> known;
    for (const std::size_t i : members) {
      if (std::string group = known_group(input_.rows[i]); !group.empty()) known.insert(std::move(group));
    }
    if (known.empty()) return {.group = new_group_id(input_.rows, members, task_), .is_new = true, .touched = {}};
    Settled settled{.group = *known.begin(), .is_new = false, .touched = lowest_by_side(known)};
    if (settled.touched.size() < 2) settled.touched.clear();
    return settled;
  }

  void deal_first() {
    const Fractions fractions = first_fractions(input_.rows.size(), own_);
    memory_.validation_share = fractions.validation;
    memory_.test_share = fractions.test;
    std::string why_not;
    if (has_dates(input_.rows, why_not)) return deal_first_by_time(fractions);
    if (!why_not.empty()) split_.notices.push_back("split by chance, not by time: " + why_not);
    std::vector<DealtGroup> groups;
    for (std::size_t g = 0; g < settled_.size(); ++g) {
      const auto& members = groups_.members[g];
      groups.push_back({settled_[g].group,
                        task_.kind == Kind::classify ? most_frequent_output(input_.rows, members) : std::string(),
                        members.size(), 0});
    }
    const bool has_enough = input_.rows.size() >= 3 * least_side_rows;
    Deal deal;
    deal.shares = {1 - fractions.validation - fractions.test, fractions.validation, fractions.test};
    deal.least = {0, has_enough && !own_.validation ? least_side_rows : 0,
                  has_enough && !own_.test ? least_side_rows : 0};
    deal.largest = largest_dealt_group;
    deal.seed = memory_.seed;
    deal_groups(groups, deal);
    for (const DealtGroup& group : groups) memory_.sides.emplace(group.id, static_cast<Side>(group.side));
  }

  void deal_first_by_time(const Fractions& fractions) {
    std::vector<DatedGroup> groups;
    for (std::size_t g = 0; g < settled_.size(); ++g) {
      const auto& members = groups_.members[g];
      groups.push_back({.id = settled_[g].group, .time = newest(input_.rows, members), .rows = members.size()});
    }
    const double most = largest_dealt_group * static_cast<double>(input_.rows.size());
    memory_.times = deal_by_time(
        groups,
        {.validation = fractions.validation, .test = fractions.test, .largest = static_cast<std::size_t>(most)});
    for (const DatedGroup& group : groups) memory_.sides.emplace(group.id, group.side);
    split_.notices.push_back(
        fmt::format("split by time (\"{}\"): the newest rows are tested on; date = \"\" in [data] splits by chance",
                    printable(task_.data.date)));
  }

  void deal_later() {
    for (std::size_t g = 0; g < settled_.size(); ++g) {
      const Settled& group = settled_[g];
      if (!group.is_new) continue;
      if (memory_.times) {
        memory_.sides.emplace(group.group, side_at(*memory_.times, newest(input_.rows, groups_.members[g])));
        continue;
      }
      const double place = place_of(group.group, memory_.seed);
      Side side = Side::train;
      if (place < memory_.test_share) {
        side = Side::test;
      } else if (place < memory_.test_share + memory_.validation_share) {
        side = Side::validation;
      }
      memory_.sides.emplace(group.group, side);
    }
  }

  // A later own file takes the place of the side that was dealt before it came: those rows train.
  std::vector<Row>& rows_of(Side side) {
    if (side == Side::validation && !own_.validation) return split_.validation;
    if (side == Side::test && !own_.test) return split_.test;
    return split_.train;
  }

  // Groups of earlier splits that row i of a torn group touches itself: by its name, and by what it nearly duplicates.
  std::vector<std::string> touched_by(std::size_t i, const std::vector<std::size_t>& members) const {
    std::set<std::string> known = {named_group(input_.rows[i])};
    for (const std::size_t j : members) {
      if (groups_.near[j] == groups_.near[i]) known.insert(recorded_group(input_.rows[j]));
    }
    known.erase(std::string());
    return lowest_by_side(known);
  }

  // The group that row i of a torn group may still stand in; empty where it joins two sides, named in `touched`.
  std::string group_in_torn(std::size_t i, std::size_t g, std::vector<std::string>& touched) const {
    const std::string named = named_group(input_.rows[i]);
    touched = named.empty() ? settled_[g].touched : touched_by(i, groups_.members[g]);
    return touched.size() < 2 ? named : std::string();
  }

  void place_rows() {
    std::vector<std::string> groups(input_.rows.size());
    std::vector<std::vector<std::string>> touched(input_.rows.size());
    for (std::size_t g = 0; g < settled_.size(); ++g) {
      for (const std::size_t i : groups_.members[g]) {
        const bool is_torn = !settled_[g].touched.empty();
        if (!settled_[g].is_new) groups[i] = is_torn ? recorded_group(input_.rows[i]) : known_group(input_.rows[i]);
        if (groups[i].empty()) groups[i] = is_torn ? group_in_torn(i, g, touched[i]) : settled_[g].group;
      }
    }
    std::size_t joining = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (groups[i].empty()) {
        ++joining;
        Row& row = input_.rows[i];
        if (row.group.empty()) row.group = row.id;
        split_.set_aside.push_back({std::move(row), task_.data.train.filename().string(), touched_sides(touched[i])});
      } else {
        put_on_side(input_.rows[i], groups[i]);
      }
    }
    note_groups(joining);
  }

  void put_on_side(Row& row, const std::string& group) {
    if (!row.group.empty() && !task_.data.group.empty() && row.group != group) {
      memory_.group_of_name.emplace(row.group, group);
    }
    if (row.id != group) memory_.group_of_row.emplace(row.id, group);
    row.group = group;
    rows_of(memory_.sides.at(group)).push_back(std::move(row));
  }

  std::vector<SetAside::Touched> touched_sides(const std::vector<std::string>& groups) const {
    std::vector<SetAside::Touched> touches;
    for (const std::string& group : groups) touches.push_back({group, name_of(memory_.sides.at(group))});
    return touches;
  }

  void note_groups(std::size_t joining) {
    if (joining > 0) {
      split_.notices.push_back(fmt::format("{} new {} set aside: near-duplicates of rows on two sides of the split",
                                           joining, joining == 1 ? "row was" : "rows were"));
    }
    if (groups_.left_apart > 0) {
      split_.notices.push_back(
          fmt::format("{} rows of groups that share texts were split group by group: kept together they would leave "
                      "too few rows to test on, so near-copies may stand on both sides",
                      groups_.left_apart));
    }
  }

  void take_own_files() {
    for (auto* rows : {&input_.validation_rows, &input_.test_rows}) {
      for (const auto& members : group_rows(*rows, task_).members) {
        const std::string group = new_group_id(*rows, members, task_);
        for (const std::size_t i : members) (*rows)[i].group = group;
      }
    }
    if (own_.validation) split_.validation = std::move(input_.validation_rows);
    if (own_.test) split_.test = std::move(input_.test_rows);
  }

  SplitInput input_;
  const Task& task_;
  Json& memory_json_;
  SplitMemory memory_;
  RowGroups groups_;
  std::vector<Settled> settled_;  // a group of groups_ each
  Split split_;
  OwnFiles own_;
};

}  // namespace

Split split_rows(SplitInput input, const Task& task, Json& memory) {
  return Splitter(std::move(input), task, memory).run();
}

std::string why_set_aside(const SetAside& row) {
  if (!row.why.empty()) return row.why;
  std::string places;
  for (const SetAside::Touched& touched : row.touches) {
    places += fmt::format("{}{} ({})", places.empty() ? "" : " and ", touched.side, touched.group);
  }
  return "nearly repeats rows of " + places;
}

RememberedSplit split_remembered(SplitInput input, const Task& task, const Path& file) {
  RememberedSplit remembered{.split = {}, .memory = Json::object()};
  std::error_code missing;
  try {
    if (std::filesystem::exists(file, missing)) {
      const std::string text = value_or_throw(read_file(file));
      auto json = parse_json(text, "the record of the earlier split is damaged");
      if (!json) fail(ErrorCode::bad_input, "{}", json.error().message);
      remembered.memory = std::move(*json);
      if (remembered.memory.is_null() || (remembered.memory.is_object() && remembered.memory.empty())) {
        fail(ErrorCode::bad_input, "the record of the earlier split is damaged (nothing is in it)");
      }
    }
    const std::string before = to_text(remembered.memory);
    remembered.split = split_rows(std::move(input), task, remembered.memory);
    remembered.is_changed = to_text(remembered.memory) != before;
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::bad_input) throw;
    fail(ErrorCode::bad_input,
         "{}: {}; put a copy of it back, or delete it to split anew (rows may then change sides, and contenders are "
         "scored again)",
         printable(file.string()), failure.what());
  }
  return remembered;
}

}  // namespace hone::data
