#include "data/group_rows.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "data/near_duplicates.h"

namespace hone::data {
namespace {

using Members = std::vector<std::size_t>;

constexpr double largest_chain = 0.1;  // of all rows: a larger group always trains
constexpr double most_chained = 0.5;   // of all rows: so much may stand in such groups

template <class Key>
std::vector<Members> members_by(const std::vector<Key>& keys) {
  std::map<Key, Members> found;
  for (std::size_t i = 0; i < keys.size(); ++i) found[keys[i]].push_back(i);
  std::vector<Members> members;
  for (auto& [key, rows] : found) members.push_back(std::move(rows));
  return members;
}

// Connects rows of one name and rows of one near-duplicate group; a row's number is that of its chain.
std::vector<std::size_t> chains_of(const std::vector<std::string>& names, const std::vector<std::size_t>& near) {
  std::vector<std::size_t> parent(near.size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const auto root = [&parent](std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  std::map<std::string, std::size_t> first_of;
  for (std::size_t i = 0; i < near.size(); ++i) {
    parent[root(i)] = root(near[i]);
    parent[root(i)] = root(first_of.emplace(names[i], i).first->second);
  }
  std::vector<std::size_t> chains(near.size());
  for (std::size_t i = 0; i < near.size(); ++i) chains[i] = root(i);
  return chains;
}

struct Chain {
  Members rows;
  std::string lowest_name;
  bool joins_names = false;
};

std::vector<Chain> named_chains(const std::vector<std::string>& names, const std::vector<std::size_t>& near) {
  std::vector<Chain> chains;
  for (Members& rows : members_by(chains_of(names, near))) {
    std::set<std::string> held;
    for (const std::size_t i : rows) held.insert(names[i]);
    chains.push_back({std::move(rows), *held.begin(), held.size() > 1});
  }
  std::sort(chains.begin(), chains.end(), [](const Chain& a, const Chain& b) {
    return std::pair(a.rows.size(), a.lowest_name) < std::pair(b.rows.size(), b.lowest_name);
  });
  return chains;
}

// The rows of a chain by name; rows without one by their near-duplicates.
std::vector<Members> apart(const Members& chain, const std::vector<Row>& rows, const std::vector<std::size_t>& near) {
  std::map<std::pair<std::string, std::size_t>, Members> found;
  for (const std::size_t i : chain) {
    found[{rows[i].group, rows[i].group.empty() ? near[i] + 1 : 0}].push_back(i);
  }
  std::vector<Members> members;
  for (auto& [key, indices] : found) members.push_back(std::move(indices));
  return members;
}

}  // namespace

std::string group_name(const Row& row) { return row.group.empty() ? "row:" + row.id : row.group; }

RowGroups group_rows(const std::vector<Row>& rows, const Task& task) {
  RowGroups groups;
  groups.near = near_duplicate_groups(input_views(rows));
  if (task.data.group.empty()) {
    groups.members = members_by(groups.near);
    return groups;
  }
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(group_name(row));
  const auto all = static_cast<double>(rows.size());
  double chained = 0;
  for (Chain& chain : named_chains(names, groups.near)) {
    const auto size = static_cast<double>(chain.rows.size());
    const bool is_large = chain.joins_names && size > largest_chain * all;
    if (is_large && chained + size > most_chained * all) {
      groups.left_apart += chain.rows.size();
      for (Members& members : apart(chain.rows, rows, groups.near)) groups.members.push_back(std::move(members));
      continue;
    }
    if (is_large) chained += size;
    groups.members.push_back(std::move(chain.rows));
  }
  return groups;
}

std::string new_group_id(const std::vector<Row>& rows, const std::vector<std::size_t>& members, const Task& task) {
  const auto id_of = [&](std::size_t i) { return task.data.group.empty() ? rows[i].id : group_name(rows[i]); };
  std::string lowest = id_of(members.front());
  for (const std::size_t i : members) lowest = std::min(lowest, id_of(i));
  return lowest;
}

std::string most_frequent_output(const std::vector<Row>& rows, const std::vector<std::size_t>& members) {
  std::map<std::string, std::size_t> counts;
  for (const std::size_t i : members) ++counts[rows[i].output];
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace hone::data
