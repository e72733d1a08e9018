#include <algorithm>
#include <map>

#include "base/error.h"
#include "data/deal_groups.h"
#include "data/group_rows.h"
#include "data/split.h"

namespace hone::data {

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
