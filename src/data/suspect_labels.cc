#include "data/suspect_labels.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "data/out_of_fold.h"

namespace hone::data {
namespace {

constexpr double rounding = 1e-6;         // cleanlab's FLOATING_POINT_COMPARISON
constexpr double least_threshold = 2e-6;  // and its lower bound of thresholds
constexpr double never = 2;               // a label without rows counts none

// Mean probability of each label over the rows that have it.
std::vector<double> thresholds_of(const std::vector<std::vector<double>>& probabilities,
                                  const std::vector<std::size_t>& given) {
  const std::size_t labels = probabilities.front().size();
  std::vector<double> sums(labels, 0);
  std::vector<std::size_t> counts(labels, 0);
  for (std::size_t i = 0; i < given.size(); ++i) {
    HONE_CHECK(given[i] < labels && probabilities[i].size() == labels);
    sums[given[i]] += probabilities[i][given[i]];
    ++counts[given[i]];
  }
  for (std::size_t k = 0; k < labels; ++k) {
    sums[k] = counts[k] == 0 ? never : std::max(least_threshold, sums[k] / static_cast<double>(counts[k]));
  }
  return sums;
}

// The label that a row counts under, if any.
std::optional<std::size_t> confident_label(const std::vector<double>& p, const std::vector<double>& thresholds) {
  std::optional<std::size_t> only;
  for (std::size_t k = 0; k < p.size(); ++k) {
    if (p[k] < thresholds[k] - rounding) continue;
    if (only) return best_label(p);
    only = k;
  }
  return only;
}

}  // namespace

std::size_t best_label(const std::vector<double>& probabilities) {
  return static_cast<std::size_t>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

double label_quality(const std::vector<double>& probabilities, std::size_t given, LabelQuality quality) {
  HONE_CHECK(given < probabilities.size());
  double other = 0;
  for (std::size_t k = 0; k < probabilities.size(); ++k) {
    if (k != given) other = std::max(other, probabilities[k]);
  }
  const double own = probabilities[given];
  switch (quality) {
    case LabelQuality::normalized_margin:
      return (own - other + 1) / 2;
    case LabelQuality::self_confidence:
      return own;
    case LabelQuality::odds:
      break;
  }
  const double sure = other * other * other * other;
  return own + sure > 0 ? own / (own + sure) : 0;
}

std::vector<Suspect> suspect_labels(const std::vector<std::vector<double>>& probabilities,
                                    const std::vector<std::size_t>& given, LabelQuality quality) {
  HONE_CHECK(probabilities.size() == given.size());
  std::vector<Suspect> suspects;
  if (given.empty()) return suspects;
  const std::vector<double> thresholds = thresholds_of(probabilities, given);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto label = confident_label(probabilities[i], thresholds);
    if (!label || *label == given[i]) continue;
    std::vector<double> favoured = probabilities[i];
    favoured[given[i]] += rounding;
    if (best_label(favoured) == given[i]) continue;
    suspects.push_back({i, *label, label_quality(probabilities[i], given[i], quality)});
  }
  std::stable_sort(suspects.begin(), suspects.end(),
                   [](const Suspect& a, const Suspect& b) { return a.quality < b.quality; });
  return suspects;
}

}  // namespace hone::data
