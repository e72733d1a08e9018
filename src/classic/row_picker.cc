#include "classic/row_picker.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <unordered_set>

#include "base/error.h"
#include "base/rng.h"
#include "classic/logistic.h"
#include "classic/ngram_features.h"
#include "data/near_duplicates.h"

namespace hone::classic {
namespace {

constexpr double c = 10;
constexpr std::size_t fewest_known = 10;
constexpr std::size_t candidates_a_row = 20;
constexpr std::uint64_t test_stream = 1;
constexpr std::uint64_t pick_stream = 2;

// Both of length 1.
double cosine(const SparseRow& a, const SparseRow& b) {
  double sum = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].first == b[j].first) {
      sum += static_cast<double>(a[i++].second) * static_cast<double>(b[j++].second);
    } else {
      a[i].first < b[j].first ? ++i : ++j;
    }
  }
  return sum;
}

double margin(const std::vector<double>& p) {
  double first = 0;
  double second = 0;
  for (const double value : p) {
    if (value > first) {
      second = first;
      first = value;
    } else {
      second = std::max(second, value);
    }
  }
  return first - second;
}

}  // namespace

struct RowPicker::State {
  std::vector<std::string> texts;
  int label_count = 0;
  std::uint64_t seed = 0;
  NgramFeatures features;
  std::vector<SparseRow> rows;
  std::vector<std::size_t> group_of;  // near-duplicates share one
  std::vector<std::size_t> order;     // random
  std::map<std::size_t, int> known;
  std::unordered_set<std::size_t> barred;  // groups

  // Rows that may be chosen, in random order.
  std::vector<std::size_t> pool() const {
    std::unordered_set<std::size_t> taken = barred;
    for (const auto& [row, label] : known) taken.insert(group_of[row]);
    std::vector<std::size_t> left;
    for (const std::size_t row : order) {
      if (taken.insert(group_of[row]).second) left.push_back(row);
    }
    return left;
  }

  // Sorts the least certain to the front, where a classifier can be fitted.
  void by_uncertainty(std::vector<std::size_t>& left) const {
    std::vector<SparseRow> vectors;
    std::vector<int> classes;
    for (const auto& [row, label] : known) {
      if (label < 0) continue;
      vectors.push_back(rows[row]);
      classes.push_back(label);
    }
    if (classes.size() < fewest_known || std::set<int>(classes.begin(), classes.end()).size() < 2) return;
    const LogisticWeights weights = fit_logistic({vectors, classes, label_count, features.size()}, c);
    std::vector<std::pair<double, std::size_t>> sorted;
    for (const std::size_t row : left) sorted.emplace_back(margin(weights.probabilities(rows[row])), row);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::transform(sorted.begin(), sorted.end(), left.begin(), [](const auto& one) { return one.second; });
  }

  // Farthest first; of equally far ones the first.
  std::vector<std::size_t> farthest(const std::vector<std::size_t>& candidates, std::size_t count) const {
    std::vector<double> nearest(candidates.size(), 0);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      for (const auto& [row, label] : known) nearest[i] = std::max(nearest[i], cosine(rows[candidates[i]], rows[row]));
    }
    std::vector<std::size_t> chosen;
    while (chosen.size() < std::min(count, candidates.size())) {
      const auto best = static_cast<std::size_t>(std::min_element(nearest.begin(), nearest.end()) - nearest.begin());
      chosen.push_back(candidates[best]);
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        nearest[i] = std::max(nearest[i], cosine(rows[candidates[i]], rows[chosen.back()]));
      }
      nearest[best] = 2;  // above any cosine
    }
    return chosen;
  }
};

RowPicker::RowPicker(std::vector<std::string> texts, int label_count, std::uint64_t seed)
    : state_(std::make_unique<State>()) {
  state_->texts = std::move(texts);
  state_->label_count = label_count;
  state_->seed = seed;
  state_->features = NgramFeatures::learn(state_->texts);
  for (const std::string& text : state_->texts) state_->rows.push_back(state_->features.transform(text));
  state_->group_of = data::near_duplicate_groups(data::views_of(state_->texts));
  state_->order.resize(state_->texts.size());
  std::iota(state_->order.begin(), state_->order.end(), std::size_t{0});
  Rng(seed, pick_stream).shuffle(state_->order);
}

RowPicker::RowPicker(RowPicker&&) noexcept = default;
RowPicker& RowPicker::operator=(RowPicker&&) noexcept = default;
RowPicker::~RowPicker() = default;

void RowPicker::know(std::size_t text, int label) {
  HONE_CHECK(text < state_->texts.size() && label < state_->label_count);
  state_->known[text] = label;
}

void RowPicker::bar(std::size_t text) {
  HONE_CHECK(text < state_->texts.size());
  state_->barred.insert(state_->group_of[text]);
}

std::vector<std::size_t> RowPicker::next(std::size_t count) {
  std::vector<std::size_t> candidates = state_->pool();
  state_->by_uncertainty(candidates);
  candidates.resize(std::min(candidates.size(), candidates_a_row * count));
  return state_->farthest(candidates, count);
}

std::vector<std::size_t> RowPicker::random_part(std::size_t count) const {
  std::vector<std::size_t> order(state_->texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng(state_->seed, test_stream).shuffle(order);
  std::unordered_set<std::size_t> taken;
  std::vector<std::size_t> part;
  for (const std::size_t row : order) {
    if (part.size() == count) break;
    if (taken.insert(state_->group_of[row]).second) part.push_back(row);
  }
  return part;
}

}  // namespace hone::classic
