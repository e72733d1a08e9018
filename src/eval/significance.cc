#include "eval/significance.h"

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>

namespace hone::eval {

double mcnemar_p(std::size_t only_a_right, std::size_t only_b_right) {
  const std::size_t n = only_a_right + only_b_right;
  const std::size_t k = std::min(only_a_right, only_b_right);
  if (n == 0 || 2 * k == n) return 1;
  // P(X <= k) for X ~ Binomial(n, 1/2) is the regularised incomplete beta I_{1/2}(n - k, k + 1).
  return std::min(1.0, 2 * boost::math::ibeta(static_cast<double>(n - k), static_cast<double>(k) + 1, 0.5));
}

Interval wilson(std::size_t k, std::size_t n, double confidence) {
  if (n == 0) return {0, 0, 1};
  HONE_CHECK(k <= n);
  const double z = std::sqrt(2.0) * boost::math::erfc_inv(1 - confidence);
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(k) / count;
  const double centre = p + z * z / (2 * count);
  const double half = z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count));
  const double scale = 1 + z * z / count;
  return {p, k == 0 ? 0 : (centre - half) / scale, k == n ? 1 : (centre + half) / scale};
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return p[i] < p[j]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double scaled = p[order[rank]] * static_cast<double>(p.size() - rank);
    largest = std::max(largest, std::min(1.0, scaled));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double smallest_detectable(double discordant_share, std::size_t n) {
  if (n == 0) return 1;
  return std::min(1.0, 2.80 * std::sqrt(discordant_share / static_cast<double>(n)));
}

bool beyond_guessing(const Interval& mcc) {
  constexpr double errors = 2.58;
  constexpr double errors_in_the_interval = 3.92;
  return mcc.value > 0 && mcc.value > errors / errors_in_the_interval * (mcc.high - mcc.low);
}

bool beyond_guessing(const Metrics& metrics) {
  const auto mcc = metrics.named.find("mcc");
  return metrics.n == 0 || mcc == metrics.named.end() || beyond_guessing(mcc->second);
}

}  // namespace hone::eval
