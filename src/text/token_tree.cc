#include "text/token_tree.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace hone::text {

using Sequence = std::span<const TokenId>;

int common_prefix(Sequence a, Sequence b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  std::size_t n = 0;
  while (n < shorter && a[n] == b[n]) ++n;
  return static_cast<int>(n);
}

std::vector<int> lexicographic_order(std::span<const Sequence> sequences) {
  std::vector<int> order(sequences.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    const Sequence x = sequences[static_cast<std::size_t>(a)];
    const Sequence y = sequences[static_cast<std::size_t>(b)];
    return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
  });
  return order;
}

int TokenTree::row_of(int sequence, int depth) const {
  for (const int index : paths[static_cast<std::size_t>(sequence)]) {
    const Stretch& stretch = stretches[static_cast<std::size_t>(index)];
    if (depth < stretch.begin + stretch.length) return stretch.row + (depth - stretch.begin);
  }
  HONE_CHECK(!"token beyond the end of its sequence");
  return -1;
}

namespace {

// Depths at which the i-th sequence (in order) is cut: where a later one parts from its own tail. shared[j] is the
// prefix that the j-th shares with the one before it, so the prefix of i and j is the smallest of shared[i + 1 .. j].
std::vector<int> cuts(const std::vector<int>& shared, std::size_t i, int length) {
  std::vector<int> depths;
  int running = length;
  for (std::size_t j = i + 1; j < shared.size(); ++j) {
    running = std::min(running, shared[j]);
    if (running <= shared[i]) break;
    if (running < length) depths.push_back(running);
  }
  std::sort(depths.begin(), depths.end());
  depths.erase(std::unique(depths.begin(), depths.end()), depths.end());
  depths.push_back(length);
  return depths;
}

}  // namespace

TokenTree token_tree(std::span<const Sequence> sequences) {
  const std::vector<int> order = lexicographic_order(sequences);
  std::vector<int> shared(order.size(), 0);
  for (std::size_t i = 1; i < order.size(); ++i) {
    shared[i] =
        common_prefix(sequences[static_cast<std::size_t>(order[i - 1])], sequences[static_cast<std::size_t>(order[i])]);
  }
  TokenTree tree;
  tree.paths.resize(sequences.size());
  std::vector<int> path;  // of the sequence before, cut back to what the next one shares
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto end_of = [&](int index) {
      const TokenTree::Stretch& stretch = tree.stretches[static_cast<std::size_t>(index)];
      return stretch.begin + stretch.length;
    };
    while (!path.empty() && end_of(path.back()) > shared[i]) path.pop_back();
    int begin = shared[i];
    HONE_CHECK(begin == (path.empty() ? 0 : end_of(path.back())));
    const int length = static_cast<int>(sequences[static_cast<std::size_t>(order[i])].size());
    if (begin < length) {
      for (const int end : cuts(shared, i, length)) {
        tree.stretches.push_back({path.empty() ? -1 : path.back(), order[i], begin, end - begin, tree.rows});
        tree.rows += end - begin;
        path.push_back(static_cast<int>(tree.stretches.size()) - 1);
        begin = end;
      }
    }
    tree.paths[static_cast<std::size_t>(order[i])] = path;
  }
  return tree;
}

}  // namespace hone::text
