// Paired comparison of two contenders on the same rows.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/score.h"

namespace hone::eval {

// Exact McNemar: p = min(1, 2 * sum_{i <= min(b,c)} C(b+c, i) / 2^(b+c)).
double mcnemar_p(std::size_t only_a_right, std::size_t only_b_right);
// Wilson score interval for k of n.
Interval wilson(std::size_t k, std::size_t n, double confidence = 0.95);
// Holm's step-down adjustment, in the given order.
std::vector<double> holm(std::span<const double> p);
// 80 % power, alpha .05: 2.80 * sqrt(discordant / n), at most 1.
double smallest_detectable(double discordant_share, std::size_t n);

enum class Verdict { a_better, b_better, equivalent, undecided };
const char* name_of(Verdict verdict);

// With fewer discordant rows no exact sign test reaches p < .05 (5 to 0 gives .0625), while a percentile bootstrap
// would.
inline constexpr std::size_t fewest_different = 6;

struct Comparison {
  std::string metric;
  Interval a, b;
  Interval difference;  // a - b, paired bootstrap by group, 10,000 resamples, seeded, percentile
  double p = 1;         // two-sided bootstrap p of the difference
  double mcnemar = 1;   // of per-row correctness
  std::size_t only_a_right = 0, only_b_right = 0;
  std::vector<std::string> flipped;  // ids where exactly one is right
  std::size_t n = 0;                 // rows compared
  std::size_t different = 0;         // rows answered differently
  // a_better / b_better: the interval excludes 0, and at least fewest_different rows are answered differently.
  // equivalent: the interval lies within +-margin. Else undecided.
  Verdict verdict = Verdict::undecided;
};
// Rows are matched by id; ids present in only one are an error that names the first.
Result<Comparison> compare(const std::vector<ScoredRow>& a, const std::vector<ScoredRow>& b, const data::Task& task,
                           std::uint64_t seed);
// {metric, a, b, difference: {value, low, high}, mcnemar_p, verdict, flipped} and the counts beside.
Json to_json(const Comparison& comparison);

}  // namespace hone::eval
