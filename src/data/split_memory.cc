#include "data/split_memory.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/terminal.h"

namespace hone::data {
namespace {

using Names = std::unordered_map<std::string, std::string>;

// Arrays, not objects keyed by id: Json keeps insertion order by linear search, which 100,000 keys would make
// quadratic.
Json pairs_of(const Names& names) {
  std::vector<std::pair<std::string, std::string>> pairs(names.begin(), names.end());
  std::sort(pairs.begin(), pairs.end());
  Json json = Json::array();
  for (const auto& [name, group] : pairs) json.push_back({name, group});
  return json;
}

void read_pairs(const Json& json, Names& names) {
  for (const Json& pair : json) names.emplace(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
}

std::optional<std::int64_t> time_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<std::int64_t>());
}

void read(const Json& json, SplitMemory& memory) {
  memory.is_new = false;
  memory.seed = json.at("seed").get<std::uint64_t>();
  memory.group_column = json.value("by", memory.group_column);
  memory.date_column = json.value("dated_by", memory.date_column);
  if (const auto times = json.find("times"); times != json.end())
    memory.times = TimeBounds{time_of(times->at("validation")), time_of(times->at("test"))};
  memory.validation_share = json.at("fractions").at("validation").get<double>();
  memory.test_share = json.at("fractions").at("test").get<double>();
  for (std::size_t side = 0; side < side_names.size(); ++side) {
    for (const Json& group : json.at("groups").at(side_names[side])) {
      memory.sides.emplace(group.get<std::string>(), static_cast<Side>(side));
    }
  }
  read_pairs(json.at("rows"), memory.group_of_row);
  if (json.contains("names")) read_pairs(json["names"], memory.group_of_name);
}

// A group that no side holds: the record was cut or edited.
std::string groupless(const SplitMemory& memory) {
  for (const Names* names : {&memory.group_of_row, &memory.group_of_name}) {
    for (const auto& [name, group] : *names) {
      if (!memory.sides.contains(group)) return group;
    }
  }
  return {};
}

}  // namespace

SplitMemory split_memory(const Json& json, const Task& task) {
  SplitMemory memory;
  memory.seed = task.seed;
  memory.group_column = task.data.group;
  memory.date_column = task.data.date;
  if (json.is_null() || (json.is_object() && json.empty())) return memory;
  try {
    read(json, memory);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::bad_input, "the record of the earlier split is damaged (it is not as Hone writes it)");
  }
  if (const std::string group = groupless(memory); !group.empty()) {
    fail(ErrorCode::bad_input, "the record of the earlier split is damaged (no side holds the group {})",
         clipped(group, 60));
  }
  return memory;
}

Json to_json(const SplitMemory& memory) {
  Json json;
  json["version"] = 1;
  json["seed"] = memory.seed;
  json["by"] = memory.group_column;
  json["dated_by"] = memory.date_column;
  if (memory.times) {
    const auto number = [](const std::optional<std::int64_t>& time) { return time ? Json(*time) : Json(); };
    json["times"] = {{"validation", number(memory.times->validation_from)}, {"test", number(memory.times->test_from)}};
  }
  json["fractions"] = {{"validation", memory.validation_share}, {"test", memory.test_share}};
  std::array<std::vector<std::string>, 3> groups;
  for (const auto& [group, side] : memory.sides) groups[static_cast<std::size_t>(side)].push_back(group);
  for (std::size_t side = 0; side < side_names.size(); ++side) {
    std::sort(groups[side].begin(), groups[side].end());
    json["groups"][side_names[side]] = groups[side];
  }
  json["rows"] = pairs_of(memory.group_of_row);
  if (!memory.group_of_name.empty()) json["names"] = pairs_of(memory.group_of_name);
  return json;
}

}  // namespace hone::data
