// Paired comparison of two contenders on the same rows, and several of them at once.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/score.h"
#include "eval/significance.h"

namespace hone::eval {

enum class Verdict { a_better, b_better, equivalent, undecided };
const char* name_of(Verdict verdict);

struct Comparison {
  std::string metric;
  Interval a, b;
  Interval difference;  // a - b, paired bootstrap by group, 10,000 resamples, seeded, percentile
  double p = 1;         // two-sided, of the difference, by swapping groups (eval/randomisation.h)
  double mcnemar = 1;   // exact, of per-row correctness
  std::size_t only_a_right = 0, only_b_right = 0;
  std::vector<std::string> flipped;  // ids where exactly one is right
  std::size_t n = 0;                 // rows compared
  std::size_t different = 0;         // rows answered differently
  std::size_t groups = 0;            // of near-duplicates; a row without any is a group of its own
  std::size_t different_groups = 0;  // whose swap would change the metrics
  Verdict verdict = Verdict::undecided;
  std::string note;  // why the verdict is not what the interval alone suggests, in one sentence; empty where it is
};
// Rows are matched by id; ids present in only one are an error that names the first. The verdict, in this order:
//   equivalent: the interval lies within +-task.margin, and still does when four made-up groups are added, two that
//   only
//     a gets right and two that only b does: what too few rows may have failed to show is not taken for equality.
//   a_better, b_better: the interval excludes 0, p <= .05, and where there are classes the better one's MCC is beyond
//     guessing.
//   undecided: else.
Result<Comparison> compare(const std::vector<ScoredRow>& a, const std::vector<ScoredRow>& b, const data::Task& task,
                           std::uint64_t seed);
// The same with the sides changed.
Comparison mirrored(Comparison comparison);
// {metric, a, b, difference: {value, low, high}, mcnemar_p, verdict, flipped} and p, the counts and the note beside.
Json to_json(const Comparison& comparison);

struct NamedComparison {
  std::string a, b;
  Comparison comparison;
  double adjusted_p = 1;  // Holm, over all reported but the primary; the primary's own p
  bool primary = false;
};
// Fills adjusted_p; a comparison that says "better" but whose adjusted p is above .05 becomes undecided, with a note.
void adjust_for_number(std::vector<NamedComparison>& comparisons);
// The comparison of `a` with `b`, mirrored where it was made the other way round; none where there is none.
std::optional<Comparison> find_comparison(const std::vector<NamedComparison>& comparisons, const std::string& a,
                                          const std::string& b);

}  // namespace hone::eval
