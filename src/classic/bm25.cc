#include <cmath>
#include <unordered_map>

#include "classic/classic.h"
#include "classic/ngram_features.h"

namespace hone::classic {

struct Bm25Index::State {
  struct Posting {
    std::uint32_t row;
    std::uint32_t count;
  };
  std::unordered_map<std::string, std::vector<Posting>> postings;
  std::vector<double> lengths;  // words of each row
  double mean_length = 0;
};

Bm25Index::Bm25Index(std::span<const data::Row> rows) : state_(std::make_unique<State>()) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto words = words_of(rows[i].input);
    state_->lengths.push_back(static_cast<double>(words.size()));
    state_->mean_length += static_cast<double>(words.size());
    for (const auto& word : words) {
      auto& list = state_->postings[word];
      if (list.empty() || list.back().row != i) list.push_back({static_cast<std::uint32_t>(i), 0});
      ++list.back().count;
    }
  }
  if (!rows.empty()) state_->mean_length /= static_cast<double>(rows.size());
}

Bm25Index::Bm25Index(Bm25Index&&) noexcept = default;
Bm25Index& Bm25Index::operator=(Bm25Index&&) noexcept = default;
Bm25Index::~Bm25Index() = default;

std::vector<Bm25Index::Hit> Bm25Index::nearest(const std::string& query, int k) const {
  constexpr double k1 = 1.2;
  constexpr double b = 0.75;
  const auto n = static_cast<double>(state_->lengths.size());
  std::unordered_map<std::uint32_t, double> scores;
  for (const auto& word : words_of(query)) {
    const auto found = state_->postings.find(word);
    if (found == state_->postings.end()) continue;
    const auto df = static_cast<double>(found->second.size());
    const double idf = std::log(1 + (n - df + 0.5) / (df + 0.5));
    for (const auto& posting : found->second) {
      const double tf = posting.count;
      const double length = state_->lengths[posting.row] / std::max(state_->mean_length, 1e-9);
      scores[posting.row] += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length));
    }
  }
  std::vector<Hit> hits;
  hits.reserve(scores.size());
  for (const auto& [row, score] : scores) hits.push_back({row, score});
  const auto wanted =
      static_cast<std::ptrdiff_t>(std::min<std::size_t>(hits.size(), static_cast<std::size_t>(std::max(k, 0))));
  std::partial_sort(hits.begin(), hits.begin() + wanted, hits.end(),
                    [](const Hit& x, const Hit& y) { return x.score != y.score ? x.score > y.score : x.row < y.row; });
  hits.resize(static_cast<std::size_t>(wanted));
  return hits;
}

}  // namespace hone::classic
