#include "data/split.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "base/hash.h"
#include "base/terminal.h"
#include "data/deal_groups.h"
#include "data/near_duplicates.h"

namespace hone::data {
namespace {

enum class Side : std::size_t { train, validation, test };
constexpr std::array<const char*, 3> side_names = {"train", "validation", "test"};
// A larger group would make a test of one case.
constexpr double largest_dealt_group = 0.1;
constexpr double validation_share = 0.15;
constexpr double test_share = 0.20;

struct Fractions {
  double validation = 0;
  double test = 0;
};

// What earlier splits fixed.
struct Memory {
  bool is_new = true;
  std::uint64_t seed = 1;
  Fractions fractions;
  std::unordered_map<std::string, Side> sides;                // group -> side
  std::unordered_map<std::string, std::string> group_of_row;  // where it is not the row's id
};

Memory read_memory(const Json& json, const Task& task) {
  Memory memory;
  memory.seed = task.seed;
  if (json.is_null() || (json.is_object() && json.empty())) return memory;
  try {
    memory.is_new = false;
    memory.seed = json.at("seed").get<std::uint64_t>();
    memory.fractions.validation = json.at("fractions").at("validation").get<double>();
    memory.fractions.test = json.at("fractions").at("test").get<double>();
    for (std::size_t side = 0; side < side_names.size(); ++side) {
      for (const Json& group : json.at("groups").at(side_names[side])) {
        memory.sides.emplace(group.get<std::string>(), static_cast<Side>(side));
      }
    }
    for (const Json& pair : json.at("rows")) {
      memory.group_of_row.emplace(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
    }
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::bad_input, "the record of the earlier split is damaged ({}); delete it to split anew",
         error.what());
  }
  return memory;
}

// Arrays, not objects keyed by id: Json keeps insertion order by linear search, which 100,000 keys would make
// quadratic.
Json to_json(const Memory& memory) {
  Json json;
  json["version"] = 1;
  json["seed"] = memory.seed;
  json["fractions"] = {{"validation", memory.fractions.validation}, {"test", memory.fractions.test}};
  std::array<std::vector<std::string>, 3> groups;
  for (const auto& [group, side] : memory.sides) groups[static_cast<std::size_t>(side)].push_back(group);
  for (std::size_t side = 0; side < side_names.size(); ++side) {
    std::sort(groups[side].begin(), groups[side].end());
    json["groups"][side_names[side]] = groups[side];
  }
  std::vector<std::pair<std::string, std::string>> rows(memory.group_of_row.begin(), memory.group_of_row.end());
  std::sort(rows.begin(), rows.end());
  json["rows"] = Json::array();
  for (const auto& [row, group] : rows) json["rows"].push_back({row, group});
  return json;
}

std::vector<std::string> inputs_of(const std::vector<Row>& rows) {
  std::vector<std::string> inputs;
  inputs.reserve(rows.size());
  for (const Row& row : rows) inputs.push_back(row.input);
  return inputs;
}

// Clusters of row indices: rows of a named group, or rows connected by near-duplicates.
std::vector<std::vector<std::size_t>> clusters_of(const std::vector<Row>& rows, const Task& task) {
  std::vector<std::vector<std::size_t>> clusters;
  if (!task.data.group.empty()) {
    std::map<std::string, std::vector<std::size_t>> named;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      named[rows[i].group.empty() ? "row:" + rows[i].id : rows[i].group].push_back(i);
    }
    for (auto& [name, members] : named) clusters.push_back(std::move(members));
    return clusters;
  }
  const std::vector<std::size_t> lowest = near_duplicate_groups(inputs_of(rows));
  std::map<std::size_t, std::vector<std::size_t>> connected;
  for (std::size_t i = 0; i < rows.size(); ++i) connected[lowest[i]].push_back(i);
  for (auto& [first, members] : connected) clusters.push_back(std::move(members));
  return clusters;
}

// The id of a new group: the name its rows carry, else its lowest row id.
std::string new_group_id(const std::vector<Row>& rows, const std::vector<std::size_t>& cluster, const Task& task) {
  if (!task.data.group.empty()) {
    const Row& row = rows[cluster.front()];
    return row.group.empty() ? "row:" + row.id : row.group;
  }
  const std::size_t lowest = *std::min_element(cluster.begin(), cluster.end(),
                                               [&](std::size_t a, std::size_t b) { return rows[a].id < rows[b].id; });
  return rows[lowest].id;
}

std::string most_frequent_output(const std::vector<Row>& rows, const std::vector<std::size_t>& cluster) {
  std::map<std::string, std::size_t> counts;
  for (const std::size_t i : cluster) ++counts[rows[i].output];
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

Fractions first_fractions(std::size_t rows, bool own_validation, bool own_test) {
  Fractions fractions;
  if (!own_validation) fractions.validation = own_test ? test_share : validation_share;
  if (!own_test) fractions.test = test_share;
  if (rows < 3 * least_side_rows) return fractions;
  const double least = static_cast<double>(least_side_rows) / static_cast<double>(rows);
  if (!own_validation) fractions.validation = std::max(fractions.validation, least);
  if (!own_test) fractions.test = std::max(fractions.test, least);
  return fractions;
}

class Splitter {
 public:
  Splitter(SplitInput input, const Task& task, Json& memory_json)
      : input_(std::move(input)), task_(task), memory_json_(memory_json), memory_(read_memory(memory_json, task)) {}

  Split run() {
    own_validation_ = !input_.validation_rows.empty();
    own_test_ = !input_.test_rows.empty();
    forget_if_files_went();
    protect_own_files();
    const auto clusters = clusters_of(input_.rows, task_);
    std::vector<Settled> settled;
    for (const auto& cluster : clusters) settled.push_back(settle(cluster));
    if (memory_.is_new) {
      deal_first(clusters, settled);
    } else {
      deal_later(settled);
    }
    place_rows(clusters, settled);
    take_own_files();
    memory_.is_new = false;
    memory_json_ = to_json(memory_);
    bound_side(split_.validation, "validation", most_scored_rows);
    bound_side(split_.test, "test", own_test_ ? split_.test.size() : most_scored_rows);
    note_small_sides();
    return std::move(split_);
  }

 private:
  struct Settled {
    std::string group;    // of its new rows
    bool is_new = false;  // no row of it was split before
    bool joins_two_sides = false;
  };

  // A side that the user's own file stood for was never dealt: without the file there would be none.
  void forget_if_files_went() {
    const bool lacks_validation = !own_validation_ && memory_.fractions.validation <= 0;
    const bool lacks_test = !own_test_ && memory_.fractions.test <= 0;
    if (memory_.is_new || (!lacks_validation && !lacks_test)) return;
    const std::uint64_t seed = memory_.seed;
    memory_ = Memory{};
    memory_.seed = seed;
    split_.notices.push_back(fmt::format("the task no longer names its own {} file: rows were split anew",
                                         lacks_test ? "test" : "validation"));
  }

  std::string known_group(const Row& row) const {
    if (!task_.data.group.empty()) {
      const std::string name = row.group.empty() ? "row:" + row.id : row.group;
      return memory_.sides.contains(name) ? name : std::string();
    }
    if (const auto found = memory_.group_of_row.find(row.id); found != memory_.group_of_row.end()) return found->second;
    return memory_.sides.contains(row.id) ? row.id : std::string();
  }

  Settled settle(const std::vector<std::size_t>& cluster) const {
    Settled settled;
    bool any = false;
    Side first = Side::train;
    for (const std::size_t i : cluster) {
      const std::string group = known_group(input_.rows[i]);
      if (group.empty()) continue;
      const Side side = memory_.sides.at(group);
      if (any && side != first) settled.joins_two_sides = true;
      if (!any || group < settled.group) settled.group = group;
      if (!any) first = side;
      any = true;
    }
    if (!any) {
      settled.is_new = true;
      settled.group = new_group_id(input_.rows, cluster, task_);
    }
    return settled;
  }

  void deal_first(const std::vector<std::vector<std::size_t>>& clusters, const std::vector<Settled>& settled) {
    memory_.fractions = first_fractions(input_.rows.size(), own_validation_, own_test_);
    std::vector<DealtGroup> groups;
    for (std::size_t c = 0; c < clusters.size(); ++c) {
      groups.push_back({settled[c].group,
                        task_.kind == Kind::classify ? most_frequent_output(input_.rows, clusters[c]) : std::string(),
                        clusters[c].size(), 0});
    }
    const Fractions& fractions = memory_.fractions;
    const bool has_enough = input_.rows.size() >= 3 * least_side_rows;
    Deal deal;
    deal.shares = {1 - fractions.validation - fractions.test, fractions.validation, fractions.test};
    deal.least = {0, has_enough && !own_validation_ ? least_side_rows : 0,
                  has_enough && !own_test_ ? least_side_rows : 0};
    deal.largest = largest_dealt_group;
    deal.seed = memory_.seed;
    deal_groups(groups, deal);
    for (const DealtGroup& group : groups) memory_.sides.emplace(group.id, static_cast<Side>(group.side));
  }

  void deal_later(const std::vector<Settled>& settled) {
    for (const Settled& cluster : settled) {
      if (!cluster.is_new) continue;
      const double place = place_of(cluster.group, memory_.seed);
      Side side = Side::train;
      if (place < memory_.fractions.test) {
        side = Side::test;
      } else if (place < memory_.fractions.test + memory_.fractions.validation) {
        side = Side::validation;
      }
      memory_.sides.emplace(cluster.group, side);
    }
  }

  // A later own file takes the place of the side that was dealt before it came: those rows train.
  std::vector<Row>& rows_of(Side side) {
    if (side == Side::validation && !own_validation_) return split_.validation;
    if (side == Side::test && !own_test_) return split_.test;
    return split_.train;
  }

  void place_rows(const std::vector<std::vector<std::size_t>>& clusters, const std::vector<Settled>& settled) {
    std::vector<std::size_t> cluster_of(input_.rows.size());
    for (std::size_t c = 0; c < clusters.size(); ++c) {
      for (const std::size_t i : clusters[c]) cluster_of[i] = c;
    }
    std::size_t joined = 0;
    for (std::size_t i = 0; i < input_.rows.size(); ++i) {
      Row& row = input_.rows[i];
      const Settled& cluster = settled[cluster_of[i]];
      const std::string known = cluster.is_new ? std::string() : known_group(row);
      row.group = known.empty() ? cluster.group : known;
      if (known.empty() && cluster.joins_two_sides) {
        ++joined;
        split_.set_aside.push_back(std::move(row));
        continue;
      }
      if (task_.data.group.empty() && row.group != row.id) memory_.group_of_row.emplace(row.id, row.group);
      rows_of(memory_.sides.at(row.group)).push_back(std::move(row));
    }
    if (joined > 0) {
      split_.notices.push_back(fmt::format("{} new {} set aside: near-duplicates of rows on two sides of the split",
                                           joined, joined == 1 ? "row was" : "rows were"));
    }
  }

  // Rows that nearly duplicate one of the user's own test (or validation) file may not be trained on.
  void protect_own_files() {
    drop_copies(input_.validation_rows, input_.test_rows, "validation", "test");
    drop_copies(input_.rows, input_.test_rows, "training", "test");
    drop_copies(input_.rows, input_.validation_rows, "training", "validation");
  }

  void drop_copies(std::vector<Row>& rows, const std::vector<Row>& own, const char* what, const char* of) {
    if (rows.empty() || own.empty()) return;
    const auto copies = near_duplicates_of(inputs_of(rows), inputs_of(own));
    std::vector<Row> kept;
    std::size_t dropped = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!copies[i]) {
        kept.push_back(std::move(rows[i]));
        continue;
      }
      if (rows[i].group.empty()) rows[i].group = rows[i].id;
      split_.set_aside.push_back(std::move(rows[i]));
      ++dropped;
    }
    rows = std::move(kept);
    if (dropped > 0) {
      split_.notices.push_back(fmt::format("{} {} {} set aside: near-duplicates of rows in your own {} file", dropped,
                                           what, dropped == 1 ? "row was" : "rows were", of));
    }
  }

  void take_own_files() {
    for (auto* rows : {&input_.validation_rows, &input_.test_rows}) {
      for (const auto& cluster : clusters_of(*rows, task_)) {
        const std::string group = new_group_id(*rows, cluster, task_);
        for (const std::size_t i : cluster) (*rows)[i].group = group;
      }
    }
    if (own_validation_) split_.validation = std::move(input_.validation_rows);
    if (own_test_) split_.test = std::move(input_.test_rows);
  }

  void bound_side(std::vector<Row>& rows, const char* name, std::size_t most) {
    if (rows.size() <= most) return;
    std::vector<std::uint64_t> hashes;
    for (const Row& row : rows) hashes.push_back(hash64(row.id, memory_.seed));
    std::vector<std::size_t> order(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return std::pair(hashes[a], a) < std::pair(hashes[b], b); });
    std::vector<char> is_scored(rows.size(), 0);
    for (std::size_t i = 0; i < most; ++i) is_scored[order[i]] = 1;
    std::vector<Row> scored;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      (is_scored[i] != 0 ? scored : split_.unscored).push_back(std::move(rows[i]));
    }
    split_.notices.push_back(
        fmt::format("{} has {} rows; the {} with the lowest hashes are scored", name, rows.size(), most));
    rows = std::move(scored);
  }

  void note_small_sides() {
    const auto note = [&](const std::vector<Row>& rows, const char* name) {
      if (rows.size() >= least_side_rows) return;
      if (rows.empty()) {
        split_.notices.push_back(fmt::format("{} has no rows: nothing can be concluded; add examples", name));
        return;
      }
      split_.notices.push_back(
          fmt::format("{} has {} rows, fewer than {}: differences below about {:.0f} points cannot be shown there",
                      name, rows.size(), least_side_rows, 280 * std::sqrt(0.1 / static_cast<double>(rows.size()))));
    };
    note(split_.validation, "validation");
    note(split_.test, "test");
  }

  SplitInput input_;
  const Task& task_;
  Json& memory_json_;
  Memory memory_;
  Split split_;
  bool own_validation_ = false;
  bool own_test_ = false;
};

}  // namespace

Split split_rows(SplitInput input, const Task& task, Json& memory) {
  return Splitter(std::move(input), task, memory).run();
}

std::vector<int> folds(const std::vector<Row>& rows, int k, std::uint64_t seed) {
  HONE_CHECK(k >= 2);
  std::map<std::string, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < rows.size(); ++i)
    members[rows[i].group.empty() ? rows[i].id : rows[i].group].push_back(i);
  std::vector<DealtGroup> groups;
  for (const auto& [group, indices] : members) {
    groups.push_back({group, most_frequent_output(rows, indices), indices.size(), 0});
  }
  Deal deal;
  deal.shares.assign(static_cast<std::size_t>(k), 1.0 / k);
  deal.least.assign(static_cast<std::size_t>(k), 0);
  deal.seed = seed;
  deal_groups(groups, deal);
  std::vector<int> result(rows.size());
  for (const DealtGroup& group : groups) {
    for (const std::size_t i : members[group.id]) result[i] = static_cast<int>(group.side);
  }
  return result;
}

}  // namespace hone::data
