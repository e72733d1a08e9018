#include "data/shortcut_words.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/rng.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t least_rows = 5;
constexpr std::size_t most_masked_words = 20;
constexpr std::size_t most_masked_rows = 300;
constexpr double least_precision = 0.8;
constexpr double least_coverage = 0.2;
constexpr double least_odds_ratio = 5;
constexpr double most_log10_p = -3;
constexpr double shortcut_precision = 0.95;
constexpr double shortcut_coverage = 0.6;
constexpr double shortcut_flip_rate = 0.05;
constexpr std::size_t stem_letters = 4;

using Holders = std::unordered_map<std::string, std::vector<std::size_t>>;

// Which rows hold each word.
Holders holders_of(const std::vector<Row>& rows) {
  Holders holders;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string lowered = lowered_text(rows[i].input);
    std::unordered_set<std::string_view> seen;
    for (const std::string_view word : words_of(lowered)) {
      if (seen.insert(word).second) holders[std::string(word)].push_back(i);
    }
  }
  return holders;
}

std::string without_word(const std::string& lowered, const std::string& word) {
  std::string kept;
  const char* from = lowered.data();
  for (const std::string_view found : words_of(lowered)) {
    if (found != word) continue;
    kept.append(from, found.data());
    from = found.data() + found.size();
  }
  kept.append(from, lowered.data() + lowered.size());
  return kept;
}

double flip_rate(const TellingWord& word) {
  return word.masked == 0 ? 0 : static_cast<double>(word.flipped) / static_cast<double>(word.masked);
}

// Whether two words share a beginning that is most of the shorter: "location" and "locate", "pin" and "pin".
bool share_stem(std::string_view a, std::string_view b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  const std::size_t needed = std::max(std::min(shorter, stem_letters), shorter * 2 / 3);
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(needed), b.begin()) &&
         (shorter >= stem_letters || a == b);
}

bool names_word(const std::string& text, const std::string& word) {
  std::string lowered = lowered_text(text);
  std::replace(lowered.begin(), lowered.end(), '_', ' ');
  const auto words = words_of(lowered);
  return std::any_of(words.begin(), words.end(), [&](std::string_view named) { return share_stem(named, word); });
}

void mask(const OutOfFold& oof, const std::vector<std::size_t>& holders, TellingWord& word) {
  std::vector<std::size_t> order = holders;
  Rng(1, 0x5C).shuffle(order);
  for (const std::size_t i : order) {
    if (word.masked == most_masked_rows) break;
    if (best_label(oof.probabilities[i]) != word.label) continue;
    ++word.masked;
    const std::string masked = without_word(lowered_text(oof.rows[i].input), word.word);
    if (best_label(oof.answer(i, masked)) != word.label) ++word.flipped;
  }
}

// The word with the label that most of its rows have, where that tells much.
std::optional<TellingWord> told(const OutOfFold& oof, const std::vector<std::size_t>& label_rows,
                                const std::vector<std::size_t>& holders, double pairs) {
  std::vector<std::size_t> counts(label_rows.size(), 0);
  for (const std::size_t i : holders) ++counts[oof.given[i]];
  TellingWord word;
  word.label = static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  word.rows = holders.size();
  word.rows_of_label = counts[word.label];
  word.precision = static_cast<double>(word.rows_of_label) / static_cast<double>(word.rows);
  word.coverage = static_cast<double>(word.rows_of_label) / static_cast<double>(label_rows[word.label]);
  if (word.precision < least_precision || word.coverage < least_coverage) return std::nullopt;
  // Odds of the label with and without the word, half a row added to each count.
  const auto odds = [](std::size_t yes, std::size_t no) {
    return (static_cast<double>(yes) + 0.5) / (static_cast<double>(no) + 0.5);
  };
  const std::size_t outside = oof.rows.size() - word.rows;
  const std::size_t label_outside = label_rows[word.label] - word.rows_of_label;
  if (odds(word.rows_of_label, word.rows - word.rows_of_label) <
      least_odds_ratio * odds(label_outside, outside - label_outside))
    return std::nullopt;
  word.log10_p = std::min(
      0.0, log10_fisher({oof.rows.size(), word.rows, label_rows[word.label], word.rows_of_label}) + std::log10(pairs));
  if (word.log10_p > most_log10_p) return std::nullopt;
  for (const std::size_t i : holders) {
    if (oof.given[i] != word.label) word.exceptions.push_back(i);
  }
  return word;
}

double log_choose(std::size_t n, std::size_t k) {
  const auto f = [](std::size_t x) { return std::lgamma(static_cast<double>(x) + 1); };
  return f(n) - f(k) - f(n - k);
}

}  // namespace

double log10_fisher(const WordCounts& counts) {
  HONE_CHECK(counts.both <= counts.with_word && counts.both <= counts.with_label && counts.with_word <= counts.rows &&
             counts.with_label <= counts.rows);
  const double all = log_choose(counts.rows, counts.with_word);
  const std::size_t most = std::min(counts.with_word, counts.with_label);
  const std::size_t others = counts.rows - counts.with_label;
  double largest = -INFINITY;
  std::vector<double> terms;
  for (std::size_t k = counts.both; k <= most; ++k) {
    if (counts.with_word - k > others) continue;
    terms.push_back(log_choose(counts.with_label, k) + log_choose(others, counts.with_word - k) - all);
    largest = std::max(largest, terms.back());
  }
  double sum = 0;
  for (const double term : terms) sum += std::exp(term - largest);
  return std::min(0.0, (largest + std::log(sum)) / std::log(10.0));
}

std::vector<TellingWord> telling_words(const OutOfFold& oof, const std::string& instruction) {
  std::vector<std::size_t> label_rows(oof.labels.size(), 0);
  for (const std::size_t label : oof.given) ++label_rows[label];
  const Holders holders = holders_of(oof.rows);
  const auto tried = std::count_if(holders.begin(), holders.end(),
                                   [](const auto& entry) { return entry.second.size() >= least_rows; });
  std::vector<TellingWord> words;
  for (const auto& [text, rows] : holders) {
    if (rows.size() < least_rows) continue;
    auto word = told(oof, label_rows, rows, static_cast<double>(tried) * static_cast<double>(oof.labels.size()));
    if (!word) continue;
    word->word = text;
    words.push_back(std::move(*word));
  }
  std::sort(words.begin(), words.end(), [](const TellingWord& a, const TellingWord& b) {
    return std::pair(a.log10_p, a.word) < std::pair(b.log10_p, b.word);
  });
  if (words.size() > most_masked_words) words.resize(most_masked_words);
  for (TellingWord& word : words) {
    mask(oof, holders.at(word.word), word);
    word.is_named = names_word(oof.labels[word.label], word.word) || names_word(instruction, word.word);
    word.is_shortcut = !word.is_named && word.precision >= shortcut_precision && word.coverage >= shortcut_coverage &&
                       flip_rate(word) >= shortcut_flip_rate;
  }
  std::stable_sort(words.begin(), words.end(), [](const TellingWord& a, const TellingWord& b) {
    if (a.is_shortcut != b.is_shortcut) return a.is_shortcut;
    return flip_rate(a) * a.coverage > flip_rate(b) * b.coverage;
  });
  return words;
}

}  // namespace hone::data
