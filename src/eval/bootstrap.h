// The bootstrap by group (Efron & Tibshirani 1993; clusters as in Miller, arXiv 2411.00640): groups are drawn with
// replacement, all rows of a group together.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "eval/score.h"
#include "eval/tally.h"

namespace hone::eval {

// Counts by group. Groups with equal counts are kept once, so that a resample costs one random number a group and one
// pass over the distinct ones.
class GroupedCounts {
 public:
  explicit GroupedCounts(std::size_t width) : width_(width) {}
  void add(const std::string& group, std::span<const Count> counts);
  // A group that no row belongs to.
  void add_alone(std::span<const Count> counts) { alone_.emplace_back(counts.begin(), counts.end()); }
  // To be called once, after the last add().
  void close();

  std::size_t groups() const { return kind_of_group_.size(); }
  // The distinct counts, and how many groups have them.
  std::size_t kinds() const { return kinds_.size(); }
  std::span<const Count> counts(std::size_t kind) const { return kinds_[kind]; }
  std::size_t groups_of(std::size_t kind) const { return groups_of_kind_[kind]; }
  // Totals over all groups: the sample itself.
  std::vector<double> totals() const;
  // Draws groups() groups with replacement; their totals into `sums` [width].
  void resample(Rng& rng, std::span<double> sums);

 private:
  std::size_t width_;
  std::map<std::string, std::map<std::uint32_t, double>> open_;
  std::vector<std::vector<Count>> alone_;
  std::vector<std::vector<Count>> kinds_;
  std::vector<std::uint32_t> kind_of_group_;
  std::vector<std::size_t> groups_of_kind_;
  std::vector<std::uint32_t> drawn_;
};

// Quantile q of sorted values by linear interpolation (numpy's default); 0 for none.
double quantile(std::span<const double> sorted, double q);
// {value, 2.5th, 97.5th percentile}; sorts `samples`.
Interval percentile_interval(double value, std::vector<double>& samples);
// A metric with its percentile interval over 2,000 resamples of `rows`' groups; zeros without rows.
Interval bootstrap_interval(const Tally& tally, const std::vector<const ScoredRow*>& rows, std::uint64_t seed);
// A row's group, or its id where it has none.
const std::string& group_of(const ScoredRow& row);

}  // namespace hone::eval
