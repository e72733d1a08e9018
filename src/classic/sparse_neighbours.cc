#include "classic/sparse_neighbours.h"

#include <algorithm>
#include <numeric>

namespace hone::classic {
namespace {

constexpr double most_products = 4e9;  // a few seconds for all rows together

// The most rows that a feature may be held by for all to be compared with all in most_products products: a feature of n
// rows costs n * n.
std::uint32_t most_holders(std::vector<std::uint32_t> holders) {
  std::sort(holders.begin(), holders.end());
  double products = 0;
  for (const std::uint32_t n : holders) {
    products += static_cast<double>(n) * n;
    if (products > most_products) return n == 0 ? 0 : n - 1;
  }
  return UINT32_MAX;
}

}  // namespace

SparseNeighbours::SparseNeighbours(std::span<const SparseRow> rows, std::size_t features) : rows_(rows.size()) {
  starts_.assign(features + 1, 0);
  for (const SparseRow& row : rows) {
    for (const auto& [index, value] : row) ++starts_[index + 1];
  }
  const std::uint32_t most = most_holders(starts_);
  for (std::size_t i = 1; i <= features; ++i) starts_[i] = starts_[i] > most ? 0 : starts_[i];
  std::vector<char> is_kept(features);
  for (std::size_t i = 0; i < features; ++i) is_kept[i] = starts_[i + 1] > 0 ? 1 : 0;
  std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
  postings_.resize(starts_.back());
  std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& [index, value] : rows[i]) {
      if (is_kept[index] != 0) postings_[next[index]++] = {static_cast<std::uint32_t>(i), value};
    }
  }
}

std::vector<SparseNeighbours::Hit> SparseNeighbours::nearest(
    const SparseRow& row, std::size_t k, const std::function<bool(std::size_t row)>& is_allowed) const {
  std::vector<float> similarities(rows_, 0.0F);
  for (const auto& [index, value] : row) {
    for (std::uint32_t p = starts_[index]; p < starts_[index + 1]; ++p)
      similarities[postings_[p].row] += value * postings_[p].value;
  }
  std::vector<Hit> hits;
  for (std::size_t i = 0; i < rows_; ++i) {
    if (similarities[i] > 0 && is_allowed(i)) hits.push_back({i, similarities[i]});
  }
  const auto nearer = [](const Hit& a, const Hit& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
  };
  const std::size_t kept = std::min(k, hits.size());
  std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(kept), hits.end(), nearer);
  hits.resize(kept);
  return hits;
}

}  // namespace hone::classic
