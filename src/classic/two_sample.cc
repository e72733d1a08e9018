#include "classic/two_sample.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/hash.h"
#include "classic/ngram_features.h"
#include "classic/out_of_fold.h"
#include "data/shortcut_words.h"

namespace hone::classic {
namespace {

constexpr std::size_t fewest_rows = 50;
constexpr std::size_t most_words = 8;
constexpr std::size_t most_strange = 10;
constexpr double word_log10_p = -3;

std::vector<data::Row> lowest(const std::vector<data::Row>& rows, std::size_t most, std::uint64_t seed) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<std::uint64_t> hashes;
  for (const data::Row& row : rows) hashes.push_back(hash64(row.id, seed));
  std::sort(order.begin(), order.end(),
            [&](std::size_t x, std::size_t y) { return std::pair(hashes[x], x) < std::pair(hashes[y], y); });
  order.resize(std::min(most, order.size()));
  std::vector<data::Row> chosen;
  for (const std::size_t i : order) chosen.push_back(rows[i]);
  return chosen;
}

std::map<std::string, std::size_t> word_counts(const std::vector<data::Row>& rows) {
  std::map<std::string, std::size_t> counts;
  for (const data::Row& row : rows) {
    const auto words = words_of(row.input);
    for (const std::string& word : std::set<std::string>(words.begin(), words.end())) ++counts[word];
  }
  return counts;
}

std::vector<data::Shift::Word> telling(const std::vector<data::Row>& a, const std::vector<data::Row>& b) {
  const auto in_a = word_counts(a);
  const auto in_b = word_counts(b);
  std::map<std::string, data::Shift::Word> words;
  for (const auto& [word, count] : in_a) words[word] = {word, count, 0};
  for (const auto& [word, count] : in_b) {
    words[word].word = word;
    words[word].in_b = count;
  }
  std::vector<std::pair<double, data::Shift::Word>> ranked;
  const double tried = std::log10(2.0 * static_cast<double>(words.size()));
  for (const auto& [name, word] : words) {
    const bool of_b = word.in_b > word.in_a;
    const double p = data::log10_fisher({.rows = a.size() + b.size(),
                                         .with_word = word.in_a + word.in_b,
                                         .with_label = of_b ? b.size() : a.size(),
                                         .both = of_b ? word.in_b : word.in_a}) +
                     tried;
    if (p <= word_log10_p) ranked.emplace_back(p, word);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  std::vector<data::Shift::Word> chosen;
  for (const auto& [p, word] : ranked) {
    if (chosen.size() < most_words) chosen.push_back(word);
  }
  return chosen;
}

}  // namespace

double log10_binomial_tail(std::size_t right, std::size_t n) {
  if (right == 0) return 0;
  const auto log_choose = [n](std::size_t k) {
    const auto all = static_cast<double>(n);
    const auto some = static_cast<double>(k);
    return std::lgamma(all + 1) - std::lgamma(some + 1) - std::lgamma(all - some + 1);
  };
  // Relative to the largest term, which is the first where more than half are right.
  const double first = log_choose(std::max(right, n / 2));
  double sum = 0;
  for (std::size_t k = right; k <= n; ++k) sum += std::exp(log_choose(k) - first);
  return std::min(0.0, (first + std::log(sum) - static_cast<double>(n) * std::log(2.0)) / std::log(10.0));
}

data::Shift two_sample(const std::vector<data::Row>& a, const std::vector<data::Row>& b, const TwoSampleSpec& spec) {
  data::Shift shift{.a = spec.a, .b = spec.b, .words = {}, .strange = {}};
  const std::size_t n = std::min({a.size(), b.size(), spec.most_rows});
  if (n < fewest_rows) return shift;
  const std::vector<data::Row> of_a = lowest(a, n, spec.seed);
  const std::vector<data::Row> of_b = lowest(b, n, spec.seed);
  std::vector<data::Row> rows;
  for (const auto& [set, label] : {std::pair(&of_a, "a"), std::pair(&of_b, "b")}) {
    for (data::Row row : *set) {
      row.output = label;
      rows.push_back(std::move(row));
    }
  }
  OutOfFoldSpec fold_spec;
  fold_spec.c = 1;
  fold_spec.seed = spec.seed;
  const data::OutOfFold answers = out_of_fold(std::move(rows), {"a", "b"}, fold_spec);
  shift.rows = n;
  std::vector<std::pair<double, std::size_t>> strange;
  for (std::size_t i = 0; i < answers.rows.size(); ++i) {
    shift.right += data::best_label(answers.probabilities[i]) == answers.given[i] ? 1 : 0;
    if (answers.given[i] == 1) strange.emplace_back(-answers.probabilities[i][1], i);
  }
  shift.log10_p = log10_binomial_tail(shift.right, 2 * n);
  shift.words = telling(of_a, of_b);
  std::sort(strange.begin(), strange.end());
  for (std::size_t i = 0; i < std::min(most_strange, strange.size()); ++i)
    shift.strange.push_back(answers.rows[strange[i].second]);
  return shift;
}

}  // namespace hone::classic
