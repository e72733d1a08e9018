#include "eval/bootstrap.h"

namespace hone::eval {

void GroupedCounts::add(const std::string& group, std::span<const Count> counts) {
  std::map<std::uint32_t, double>& sums = open_[group];
  for (const Count& count : counts) sums[count.cell] += count.value;
}

void GroupedCounts::close() {
  std::map<std::vector<Count>, std::uint32_t> known;
  const auto take = [&](std::vector<Count> counts) {
    const auto [it, is_new] = known.emplace(counts, static_cast<std::uint32_t>(kinds_.size()));
    if (is_new) kinds_.push_back(std::move(counts));
    kind_of_group_.push_back(it->second);
    groups_of_kind_.resize(kinds_.size());
    ++groups_of_kind_[it->second];
  };
  for (const auto& [group, sums] : open_) {
    std::vector<Count> counts;
    for (const auto& [cell, value] : sums) {
      HONE_CHECK(cell < width_);
      if (value != 0) counts.push_back({cell, value});
    }
    take(std::move(counts));
  }
  for (std::vector<Count>& counts : alone_) take(std::move(counts));
  open_.clear();
  alone_.clear();
  drawn_.resize(kinds_.size());
}

std::vector<double> GroupedCounts::totals() const {
  std::vector<double> sums(width_, 0.0);
  for (const std::uint32_t kind : kind_of_group_) {
    for (const Count& count : kinds_[kind]) sums[count.cell] += count.value;
  }
  return sums;
}

void GroupedCounts::resample(Rng& rng, std::span<double> sums) {
  HONE_CHECK(sums.size() == width_);
  std::fill(drawn_.begin(), drawn_.end(), 0u);
  const std::uint64_t n = kind_of_group_.size();
  // Two draws from each 64 bits: index = floor(n * u / 2^32), whose bias of n / 2^32 is far below sampling error.
  for (std::uint64_t i = 0; i < n; i += 2) {
    const std::uint64_t bits = rng.next();
    ++drawn_[kind_of_group_[(bits >> 32) * n >> 32]];
    if (i + 1 < n) ++drawn_[kind_of_group_[(bits & 0xffffffffu) * n >> 32]];
  }
  std::fill(sums.begin(), sums.end(), 0.0);
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    const double times = drawn_[kind];
    if (times == 0) continue;
    for (const Count& count : kinds_[kind]) sums[count.cell] += times * count.value;
  }
}

double quantile(std::span<const double> sorted, double q) {
  if (sorted.empty()) return 0;
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Interval percentile_interval(double value, std::vector<double>& samples) {
  std::sort(samples.begin(), samples.end());
  return {value, quantile(samples, 0.025), quantile(samples, 0.975)};
}

Interval bootstrap_interval(const Tally& tally, const std::vector<const ScoredRow*>& rows, std::uint64_t seed) {
  constexpr std::size_t resamples = 2000;
  if (rows.empty()) return {};
  GroupedCounts groups(tally.width());
  std::vector<Count> counts;
  for (const ScoredRow* row : rows) {
    counts.clear();
    tally.count(*row, 0, counts);
    groups.add(group_of(*row), counts);
  }
  groups.close();
  Rng rng(seed, 1);
  std::vector<double> sums(tally.width());
  std::vector<double> samples(resamples);
  for (double& sample : samples) {
    groups.resample(rng, sums);
    sample = tally.value(sums);
  }
  return percentile_interval(tally.value(groups.totals()), samples);
}

const std::string& group_of(const ScoredRow& row) { return row.group.empty() ? row.id : row.group; }

}  // namespace hone::eval
