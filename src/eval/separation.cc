#include "eval/separation.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace hone::eval {
namespace {

// Pairs in which the first scores higher, ties half, over all pairs.
double share_of_pairs(std::span<const double> first, std::span<const double> second) {
  std::vector<double> sorted(second.begin(), second.end());
  std::sort(sorted.begin(), sorted.end());
  double won = 0;
  for (const double score : first) {
    const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), score);
    won += static_cast<double>(low - sorted.begin()) + 0.5 * static_cast<double>(high - low);
  }
  return won / static_cast<double>(first.size()) / static_cast<double>(second.size());
}

}  // namespace

double separation_error(double value, std::size_t m, std::size_t n) {
  HONE_CHECK(m > 0 && n > 0 && value >= 0 && value <= 1);
  const double q1 = value / (2 - value);
  const double q2 = 2 * value * value / (1 + value);
  const double first = static_cast<double>(m - 1) * (q1 - value * value);
  const double second = static_cast<double>(n - 1) * (q2 - value * value);
  return std::sqrt((value * (1 - value) + first + second) / static_cast<double>(m) / static_cast<double>(n));
}

Interval separation(std::span<const double> first, std::span<const double> second) {
  HONE_CHECK(!first.empty() && !second.empty());
  const double value = share_of_pairs(first, second);
  const double half = 1.959963984540054 * separation_error(value, first.size(), second.size());
  return {value, std::max(0.0, value - half), std::min(1.0, value + half)};
}

double p_separated(double seen, double least, std::size_t m, std::size_t n) {
  return 0.5 * std::erfc((least - seen) / separation_error(least, m, n) / std::sqrt(2.0));
}

}  // namespace hone::eval
