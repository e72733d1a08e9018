// Several comparisons at once: Holm's adjustment, and finding one among them.
#include "eval/compare.h"

namespace hone::eval {

void adjust_for_number(std::vector<NamedComparison>& comparisons) {
  constexpr double level = 0.05;
  std::vector<NamedComparison*> others;
  std::vector<double> p;
  for (NamedComparison& named : comparisons) {
    named.adjusted_p = named.comparison.p;
    if (named.primary) continue;
    others.push_back(&named);
    p.push_back(named.comparison.p);
  }
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < others.size(); ++i) {
    others[i]->adjusted_p = adjusted[i];
    Comparison& comparison = others[i]->comparison;
    const bool is_better = comparison.verdict == Verdict::a_better || comparison.verdict == Verdict::b_better;
    if (!is_better || adjusted[i] <= level) continue;
    comparison.verdict = Verdict::undecided;
    comparison.note = fmt::format(
        "One of {} comparisons: among so many, one such difference comes by chance too often (p {:.2g}, adjusted "
        "{:.2g}).",
        others.size(), comparison.p, adjusted[i]);
  }
}

std::optional<Comparison> find_comparison(const std::vector<NamedComparison>& comparisons, const std::string& a,
                                          const std::string& b) {
  for (const NamedComparison& named : comparisons) {
    if (named.a == a && named.b == b) return named.comparison;
    if (named.a == b && named.b == a) return mirrored(named.comparison);
  }
  return std::nullopt;
}

}  // namespace hone::eval
