#include "data/split_parts.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "base/hash.h"
#include "data/near_duplicates.h"

namespace hone::data {
namespace {

struct Protected {
  const char* what;  // "training"
  Path file;
  Side side;  // of the user's own file
};

void set_copies_aside(std::vector<Row>& rows, const std::vector<Row>& own, const Protected& spec, Split& split) {
  if (rows.empty() || own.empty()) return;
  const auto copies = near_duplicates_of(input_views(rows), input_views(own));
  std::vector<Row> kept;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!copies[i]) {
      kept.push_back(std::move(rows[i]));
      continue;
    }
    if (rows[i].group.empty()) rows[i].group = rows[i].id;
    split.set_aside.push_back(
        {std::move(rows[i]), spec.file.filename().string(), {{own[*copies[i]].id, name_of(spec.side)}}});
  }
  const std::size_t dropped = rows.size() - kept.size();
  rows = std::move(kept);
  if (dropped == 0) return;
  split.notices.push_back(fmt::format("{} {} {} set aside: near-duplicates of rows in your own {} file", dropped,
                                      spec.what, dropped == 1 ? "row was" : "rows were", name_of(spec.side)));
}

}  // namespace

void protect_own_files(SplitInput& input, const Task& task, Split& split) {
  const Path validation = task.data.validation.value_or(Path());
  set_copies_aside(input.validation_rows, input.test_rows, {"validation", validation, Side::test}, split);
  set_copies_aside(input.rows, input.test_rows, {"training", task.data.train, Side::test}, split);
  set_copies_aside(input.rows, input.validation_rows, {"training", task.data.train, Side::validation}, split);
}

void take_generated(SplitInput& input, const Task& task, Split& split) {
  const auto is_of_model = [](const Row& row) { return is_generated(row); };
  const auto first = std::stable_partition(input.rows.begin(), input.rows.end(), std::not_fn(is_of_model));
  std::move(first, input.rows.end(), std::back_inserter(input.generated_rows));
  input.rows.erase(first, input.rows.end());
  const std::pair<std::vector<Row>*, std::optional<Path>> own[] = {{&input.validation_rows, task.data.validation},
                                                                   {&input.test_rows, task.data.test}};
  for (const auto& [rows, file] : own) {
    const auto from = std::stable_partition(rows->begin(), rows->end(), std::not_fn(is_of_model));
    const auto count = rows->end() - from;
    if (count == 0) continue;
    const std::string name = file.value_or(Path()).filename().string();
    for (auto row = from; row != rows->end(); ++row) {
      split.set_aside.push_back({std::move(*row), name, {}, "a model wrote it: it may not judge"});
    }
    rows->erase(from, rows->end());
    split.notices.push_back(fmt::format("{} of {} set aside: a model wrote them, so they may not judge",
                                        count == 1 ? "1 row" : fmt::format("{} rows", count), name));
  }
}

void place_generated(std::vector<Row> rows, const Task& task, Split& split) {
  if (rows.empty()) return;
  std::vector<Row> judging;
  std::unordered_map<std::string, const char*> side_of;
  const std::pair<const std::vector<Row>*, const char*> sides[] = {
      {&split.validation, "validation"}, {&split.test, "test"}, {&split.unscored, "test"}};
  for (const auto& [side, name] : sides) {
    for (const Row& row : *side) side_of.emplace(row.id, name);
    judging.insert(judging.end(), side->begin(), side->end());
  }
  std::unordered_map<std::string, std::string> training;
  for (const Row& row : split.train) training.emplace(row.id, row.group);
  const auto copies = near_duplicates_of(input_views(rows), input_views(judging));
  const std::string file = task.data.generated.value_or(task.data.train).filename().string();
  std::size_t aside = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[i];
    SetAside reason{{}, file, {}, {}};
    if (const auto parent = side_of.find(row.made_from); parent != side_of.end()) {
      reason.why = fmt::format("made from a row of {} ({})", parent->second, row.made_from);
    } else if (copies[i]) {
      reason.touches.push_back({judging[*copies[i]].group, side_of.at(judging[*copies[i]].id)});
    } else if (training.contains(row.id)) {
      reason.why = "a training row has the same input";
    }
    const auto parent = training.find(row.made_from);
    if (row.group.empty()) row.group = parent != training.end() ? parent->second : row.id;
    if (reason.why.empty() && reason.touches.empty()) {
      training.emplace(row.id, row.group);
      split.train.push_back(std::move(row));
      continue;
    }
    reason.row = std::move(row);
    split.set_aside.push_back(std::move(reason));
    ++aside;
  }
  split.notices.push_back(
      fmt::format("{} written by a model train and are never tested on{}",
                  rows.size() - aside == 1 ? "1 row" : fmt::format("{} rows", rows.size() - aside),
                  aside > 0 ? fmt::format("; {} more repeat other rows and were set aside", aside) : ""));
}

void bound_side(Split& split, Side side, std::size_t most, std::uint64_t seed) {
  std::vector<Row>& rows = side == Side::test ? split.test : split.validation;
  if (rows.size() <= most) return;
  std::vector<std::uint64_t> hashes;
  for (const Row& row : rows) hashes.push_back(hash64(row.id, seed));
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::pair(hashes[a], a) < std::pair(hashes[b], b); });
  std::vector<char> is_scored(rows.size(), 0);
  for (std::size_t i = 0; i < most; ++i) is_scored[order[i]] = 1;
  std::vector<Row> scored;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    (is_scored[i] != 0 ? scored : split.unscored).push_back(std::move(rows[i]));
  }
  split.notices.push_back(
      fmt::format("{} has {} rows; the {} with the lowest hashes are scored", name_of(side), rows.size(), most));
  rows = std::move(scored);
}

void note_small_sides(Split& split) {
  for (const Side side : {Side::validation, Side::test}) {
    const std::size_t rows = side == Side::test ? split.test.size() : split.validation.size();
    if (rows >= least_side_rows) continue;
    split.notices.push_back(
        rows == 0 ? fmt::format("{} has no rows: nothing can be concluded; add examples", name_of(side))
                  : fmt::format("{} has {} rows, fewer than {}: only large differences can be shown there",
                                name_of(side), rows, least_side_rows));
  }
}

}  // namespace hone::data
