#include "solve/validation_sample.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "base/hash.h"

namespace hone::solve {
namespace {

// How many rows of each group of `sizes` are taken, `most` in all.
std::map<std::string, std::size_t> shares(const std::map<std::string, std::size_t>& sizes, std::size_t rows,
                                          std::size_t most) {
  std::map<std::string, std::size_t> taken;
  std::vector<std::pair<double, std::string>> rests;
  std::size_t sum = 0;
  for (const auto& [name, size] : sizes) {
    const double share = static_cast<double>(size) * static_cast<double>(most) / static_cast<double>(rows);
    taken[name] = static_cast<std::size_t>(std::floor(share));
    sum += taken[name];
    rests.emplace_back(std::floor(share) - share, name);  // the largest rest first
  }
  std::sort(rests.begin(), rests.end());
  for (std::size_t i = 0; sum < most; ++i, ++sum) ++taken[rests[i].second];
  return taken;
}

}  // namespace

std::vector<std::size_t> validation_sample(const std::vector<data::Row>& rows, std::size_t most,
                                           const data::Task& task) {
  std::vector<std::pair<std::string, std::size_t>> order;
  std::map<std::string, std::size_t> sizes;
  const auto group_of = [&](std::size_t i) {
    return task.kind == data::Kind::classify ? rows[i].output : std::string();
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    order.emplace_back(sha256_hex(fmt::format("validation {} {}", task.seed, rows[i].id)), i);
    ++sizes[group_of(i)];
  }
  std::sort(order.begin(), order.end());
  std::map<std::string, std::size_t> left = shares(sizes, rows.size(), std::min(most, rows.size()));
  std::vector<std::size_t> chosen;
  for (const auto& [hash, i] : order) {
    std::size_t& of_group = left[group_of(i)];
    if (of_group == 0) continue;
    --of_group;
    chosen.push_back(i);
  }
  return chosen;
}

}  // namespace hone::solve
