#include "eval/randomisation.h"

#include <bit>

namespace hone::eval {
namespace {

constexpr int draws = 10000;
// Ways to swap times cells: what is still counted out rather than drawn.
constexpr double most_work = 2e6;
// Two differences are the same that differ by rounding alone.
constexpr double rounding = 1e-12;

// Groups whose swap moves the counts by `change` (a gains it, b loses it) or by its negative.
struct Change {
  std::vector<Count> change;
  std::size_t groups = 0;
  std::size_t reversed = 0;  // of `groups`, those of the negative
};

std::vector<Count> change_of(std::span<const Count> counts, std::uint32_t width) {
  std::map<std::uint32_t, double> moved;
  for (const Count& count : counts) {
    const bool is_b = count.cell >= width;
    moved[is_b ? count.cell - width : count.cell] += is_b ? count.value : -count.value;
  }
  std::vector<Count> change;
  for (const auto& [cell, value] : moved) {
    if (value != 0) change.push_back({cell, value});
  }
  return change;
}

std::vector<Change> changes_of(const GroupedCounts& groups, std::uint32_t width) {
  std::map<std::vector<Count>, Change> found;
  for (std::size_t kind = 0; kind < groups.kinds(); ++kind) {
    std::vector<Count> change = change_of(groups.counts(kind), width);
    if (change.empty()) continue;
    const bool is_reversed = change.front().value < 0;
    for (Count& count : change) count.value = is_reversed ? -count.value : count.value;
    Change& same = found[change];
    same.groups += groups.groups_of(kind);
    same.reversed += is_reversed ? groups.groups_of(kind) : 0;
    same.change = std::move(change);
  }
  std::vector<Change> changes;
  for (auto& [key, change] : found) changes.push_back(std::move(change));
  return changes;
}

// Where a's counts and b's counts go as groups are swapped. With j of a Change's groups on the side of its sign, a has
// base + j * change: at first j = reversed, and swapping each group by a coin makes j binomial.
class Swaps {
 public:
  Swaps(const Tally& tally, const GroupedCounts& groups)
      : tally_(tally), changes_(changes_of(groups, static_cast<std::uint32_t>(tally.width()))) {
    const std::vector<double> totals = groups.totals();
    const std::size_t width = tally.width();
    a_.assign(totals.begin(), totals.begin() + static_cast<std::ptrdiff_t>(width));
    b_.assign(totals.begin() + static_cast<std::ptrdiff_t>(width), totals.end());
    observed_ = std::abs(difference());
    for (const Change& change : changes_) move(change, -static_cast<double>(change.reversed));
  }

  std::size_t different_groups() const {
    std::size_t count = 0;
    for (const Change& change : changes_) count += change.groups;
    return count;
  }

  bool can_be_counted() const {
    double work = static_cast<double>(tally_.width());
    for (const Change& change : changes_) work *= static_cast<double>(change.groups) + 1;
    return work <= most_work;
  }

  // The share of swaps, counted out over changes_[at...], in which the difference is as large.
  double counted(std::size_t at = 0) {
    if (at == changes_.size()) return is_as_large() ? 1 : 0;
    const Change& change = changes_[at];
    const auto n = static_cast<double>(change.groups);
    double share = 0;
    for (std::size_t j = 0; j <= change.groups; ++j) {
      const auto k = static_cast<double>(j);
      const double ways = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
      share += std::exp(ways - n * std::log(2.0)) * counted(at + 1);
      if (j < change.groups) move(change, 1);
    }
    move(change, -n);
    return share;
  }

  double drawn(Rng& rng) {
    int as_large = 1;
    std::vector<double> taken(changes_.size());
    for (int i = 0; i < draws; ++i) {
      for (std::size_t c = 0; c < changes_.size(); ++c) {
        const double now = heads(rng, changes_[c].groups);
        move(changes_[c], now - taken[c]);
        taken[c] = now;
      }
      as_large += is_as_large() ? 1 : 0;
    }
    return static_cast<double>(as_large) / (draws + 1);
  }

 private:
  static double heads(Rng& rng, std::size_t coins) {
    int count = 0;
    for (; coins >= 64; coins -= 64) count += std::popcount(rng.next());
    if (coins > 0) count += std::popcount(rng.next() >> (64 - coins));
    return count;
  }

  void move(const Change& change, double times) {
    if (times == 0) return;
    for (const Count& count : change.change) {
      a_[count.cell] += times * count.value;
      b_[count.cell] -= times * count.value;
    }
  }

  double difference() const { return tally_.value(a_) - tally_.value(b_); }
  bool is_as_large() const { return std::abs(difference()) >= observed_ - rounding; }

  const Tally& tally_;
  std::vector<Change> changes_;
  std::vector<double> a_, b_;
  double observed_ = 0;
};

}  // namespace

Swapped randomisation(const Tally& tally, const GroupedCounts& groups, std::uint64_t seed) {
  Swaps swaps(tally, groups);
  Swapped result{.p = 1, .different_groups = swaps.different_groups()};
  if (result.different_groups == 0) return result;
  Rng rng(seed, 3);
  result.p = std::min(1.0, swaps.can_be_counted() ? swaps.counted() : swaps.drawn(rng));
  return result;
}

}  // namespace hone::eval
