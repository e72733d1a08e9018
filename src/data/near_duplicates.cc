#include "data/near_duplicates.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "data/copies_of_first.h"
#include "data/near_index.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t most_pairs = 100'000;

class Groups {
 public:
  explicit Groups(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) {
      parent_[i] = parent_[parent_[i]];
      i = parent_[i];
    }
    return i;
  }
  // The lower root wins, so a group is named by its lowest index.
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace

std::vector<std::size_t> near_duplicate_groups(std::span<const std::string_view> texts) {
  NearIndex index(texts, {});
  Groups groups(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) groups.join(i, index.first_of(i));
  index.visit_pairs([&](std::size_t i, std::size_t j) { return groups.find(i) != groups.find(j); },
                    [&](std::size_t i, std::size_t j, Likeness) { groups.join(i, j); });
  std::vector<std::size_t> result(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) result[i] = groups.find(i);
  return result;
}

std::vector<std::optional<std::size_t>> near_duplicates_of(std::span<const std::string_view> texts,
                                                           std::span<const std::string_view> references) {
  std::vector<std::optional<std::size_t>> best(texts.size());
  if (texts.empty() || references.empty()) return best;
  std::vector<std::string_view> all(references.begin(), references.end());
  all.insert(all.end(), texts.begin(), texts.end());
  const std::size_t border = references.size();
  NearIndex index(
      all, {.least = Likeness::near, .sides = {border}, .compared = NearIndex::Law::Compared::second_with_first});
  std::vector<char> is_identical(texts.size(), 0);
  index.visit_pairs(
      [&](std::size_t i, std::size_t j) {
        const std::size_t text = i - border;
        return is_identical[text] == 0 && (!best[text] || j != *best[text]);
      },
      [&](std::size_t i, std::size_t j, Likeness likeness) {
        const std::size_t text = i - border;
        is_identical[text] = likeness == Likeness::identical ? 1 : 0;
        if (is_identical[text] != 0 || !best[text] || j < *best[text]) best[text] = j;
      });
  for (std::size_t i = 0; i < texts.size(); ++i) best[i] = best[index.first_of(border + i) - border];
  return best;
}

std::vector<NearPair> near_pairs(std::span<const std::string_view> texts) {
  NearIndex index(texts, {.least = Likeness::one_word, .sides = {}});
  std::map<std::pair<std::size_t, std::size_t>, Likeness> found;
  index.visit_pairs(
      [&](std::size_t i, std::size_t j) {
        return found.size() < most_pairs && !found.contains({j, i});
      },
      [&](std::size_t i, std::size_t j, Likeness likeness) { found.emplace(std::pair(j, i), likeness); });
  std::vector<NearPair> pairs;
  const CopiesOfFirst copies(index, texts.size());
  const auto add = [&](std::size_t a, std::size_t b, Likeness likeness) {
    if (pairs.size() == most_pairs) return;
    const double jaccard =
        likeness == Likeness::identical ? 1 : gram_similarity(folded_text(texts[a]), folded_text(texts[b]));
    pairs.push_back({std::min(a, b), std::max(a, b), likeness, jaccard});
  };
  for (const auto& [pair, likeness] : found) copies.for_pairs(pair.first, pair.second, likeness, add);
  copies.for_identical_pairs(add);
  std::sort(pairs.begin(), pairs.end(), [](const NearPair& a, const NearPair& b) {
    return std::tie(a.first, a.second) < std::tie(b.first, b.second);
  });
  return pairs;
}

std::vector<std::string_view> views_of(std::span<const std::string> texts) { return {texts.begin(), texts.end()}; }

std::vector<std::string_view> input_views(const std::vector<Row>& rows) {
  std::vector<std::string_view> views;
  views.reserve(rows.size());
  for (const Row& row : rows) views.emplace_back(row.input);
  return views;
}

}  // namespace hone::data
