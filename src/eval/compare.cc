#include "eval/compare.h"

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>

#include "eval/bootstrap.h"
#include "eval/tally.h"

namespace hone::eval {
namespace {

constexpr int resamples = 10000;

using RowsById = std::unordered_map<std::string, const ScoredRow*>;

Result<RowsById> by_id(const std::vector<ScoredRow>& rows) {
  RowsById found;
  for (const ScoredRow& row : rows) {
    if (!found.emplace(row.id, &row).second) return bad_input("compare: row \"{}\" is there twice", row.id);
  }
  return found;
}

struct Pair {
  const ScoredRow* a = nullptr;
  const ScoredRow* b = nullptr;
};

Result<std::vector<Pair>> paired(const std::vector<ScoredRow>& a, const std::vector<ScoredRow>& b) {
  const Result<RowsById> in_a = by_id(a);
  if (!in_a) return tl::unexpected(in_a.error());
  Result<RowsById> in_b = by_id(b);
  if (!in_b) return tl::unexpected(in_b.error());
  std::vector<Pair> pairs;
  for (const ScoredRow& row : a) {
    const auto other = in_b->find(row.id);
    if (other == in_b->end()) {
      return bad_input("compare: row \"{}\" is only in the first; score both on the same rows", row.id);
    }
    if (other->second->gold != row.gold) {
      return bad_input("compare: row \"{}\" has two gold answers; score both on the same data", row.id);
    }
    pairs.push_back({&row, other->second});
  }
  for (const ScoredRow& row : b) {
    if (!in_a->contains(row.id)) {
      return bad_input("compare: row \"{}\" is only in the second; score both on the same rows", row.id);
    }
  }
  if (pairs.empty()) return bad_input("compare: there are no rows to compare");
  return pairs;
}

struct Samples {
  std::vector<double> a, b, difference;
};

Samples bootstrap(const Tally& tally, GroupedCounts& groups, std::uint64_t seed) {
  Samples samples;
  Rng rng(seed, 2);
  const std::size_t width = tally.width();
  std::vector<double> sums(2 * width);
  for (int i = 0; i < resamples; ++i) {
    groups.resample(rng, sums);
    samples.a.push_back(tally.value(std::span<const double>(sums).first(width)));
    samples.b.push_back(tally.value(std::span<const double>(sums).last(width)));
    samples.difference.push_back(samples.a.back() - samples.b.back());
  }
  return samples;
}

// 2 * min(share of resamples <= 0, share >= 0), each with one added so that it is never 0.
double bootstrap_p(const std::vector<double>& differences) {
  double below = 1;
  double above = 1;
  for (const double difference : differences) {
    below += difference <= 0 ? 1 : 0;
    above += difference >= 0 ? 1 : 0;
  }
  return std::min(1.0, 2 * std::min(below, above) / (static_cast<double>(differences.size()) + 1));
}

Verdict verdict_of(const Comparison& comparison, double margin) {
  const Interval& d = comparison.difference;
  const bool enough = comparison.different >= fewest_different;
  if (enough && d.low > 0) return Verdict::a_better;
  if (enough && d.high < 0) return Verdict::b_better;
  if (d.low >= -margin && d.high <= margin) return Verdict::equivalent;
  return Verdict::undecided;
}

void count_rights(const std::vector<Pair>& pairs, const data::Task& task, Comparison& comparison) {
  comparison.n = pairs.size();
  std::size_t a_right = 0;
  std::size_t b_right = 0;
  for (const Pair& pair : pairs) {
    const bool a = is_right(*pair.a, task);
    const bool b = is_right(*pair.b, task);
    a_right += a ? 1 : 0;
    b_right += b ? 1 : 0;
    if (pair.a->failed != pair.b->failed || pair.a->answer != pair.b->answer) ++comparison.different;
    if (a == b) continue;
    ++(a ? comparison.only_a_right : comparison.only_b_right);
    comparison.flipped.push_back(pair.a->id);
  }
  comparison.mcnemar = mcnemar_p(comparison.only_a_right, comparison.only_b_right);
  if (comparison.metric == "accuracy" || comparison.metric == "exact") {
    comparison.a = wilson(a_right, pairs.size());
    comparison.b = wilson(b_right, pairs.size());
  }
}

}  // namespace

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

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::a_better:
      return "a_better";
    case Verdict::b_better:
      return "b_better";
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::undecided:
      return "undecided";
  }
  return "";
}

Result<Comparison> compare(const std::vector<ScoredRow>& a, const std::vector<ScoredRow>& b, const data::Task& task,
                           std::uint64_t seed) {
  const Result<std::vector<Pair>> pairs = paired(a, b);
  if (!pairs) return tl::unexpected(pairs.error());
  std::vector<const ScoredRow*> golds;
  for (const Pair& pair : *pairs) golds.push_back(pair.a);
  const Tally tally(task.metric, task, class_labels(golds, task));
  const auto width = static_cast<std::uint32_t>(tally.width());
  GroupedCounts groups(2 * tally.width());
  std::vector<Count> counts;
  for (const Pair& pair : *pairs) {
    counts.clear();
    tally.count(*pair.a, 0, counts);
    tally.count(*pair.b, width, counts);
    groups.add(group_of(*pair.a), counts);
  }
  groups.close();
  const std::vector<double> totals = groups.totals();
  const double value_a = tally.value(std::span(totals).first(width));
  const double value_b = tally.value(std::span(totals).last(width));
  Samples samples = bootstrap(tally, groups, seed);

  Comparison comparison;
  comparison.metric = task.metric;
  comparison.a = percentile_interval(value_a, samples.a);
  comparison.b = percentile_interval(value_b, samples.b);
  comparison.difference = percentile_interval(value_a - value_b, samples.difference);
  comparison.p = bootstrap_p(samples.difference);
  count_rights(*pairs, task, comparison);
  comparison.verdict = verdict_of(comparison, task.margin);
  return comparison;
}

Json to_json(const Comparison& comparison) {
  return Json{{"metric", comparison.metric},
              {"a", to_json(comparison.a)},
              {"b", to_json(comparison.b)},
              {"difference", to_json(comparison.difference)},
              {"p", comparison.p},
              {"mcnemar_p", comparison.mcnemar},
              {"n", comparison.n},
              {"different", comparison.different},
              {"only_a_right", comparison.only_a_right},
              {"only_b_right", comparison.only_b_right},
              {"verdict", name_of(comparison.verdict)},
              {"flipped", comparison.flipped}};
}

}  // namespace hone::eval
