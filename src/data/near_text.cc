#include "data/near_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/hash.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t gram_points = 5;  // code points in a gram

std::vector<std::uint32_t> grams_of(const std::string& text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); i += code_point_length(text, i)) starts.push_back(i);
  starts.push_back(text.size());
  std::vector<std::uint32_t> grams;
  for (std::size_t i = 0; i + gram_points < starts.size(); ++i) {
    const std::string_view gram(text.data() + starts[i], starts[i + gram_points] - starts[i]);
    grams.push_back(static_cast<std::uint32_t>(hash64(gram)));
  }
  std::sort(grams.begin(), grams.end());
  grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
  return grams;
}

// Whether `a` may be `b` misspelt: one edit for words of four letters or more, two for eight or more.
bool is_spelling_slip(std::string_view a, std::string_view b) {
  if (has_digit(a) || has_digit(b)) return false;
  const std::size_t length = std::min(a.size(), b.size());
  const std::size_t allowed = length >= 8 ? 2 : length >= 4 ? 1 : 0;
  return allowed > 0 && edit_distance(a, b) <= allowed;
}

bool is_number_only(std::string_view folded) {
  return std::all_of(folded.begin(), folded.end(), [](char c) { return c == ' ' || (c >= '0' && c <= '9'); });
}

}  // namespace

NearText near_text(const std::string& text) {
  NearText entry;
  entry.folded = folded_text(text);
  // Where no letter stands, punctuation is all there is to tell texts apart: "2 + 2" and "2 - 2", "?!" and "!".
  if (is_number_only(entry.folded)) {
    entry.folded.clear();
    entry.key = canonical_text(text);
    return entry;
  }
  const std::vector<std::string_view> words = words_of(entry.folded);
  const auto numbers =
      static_cast<std::size_t>(std::count_if(words.begin(), words.end(), [](auto word) { return has_digit(word); }));
  if (words.size() < short_words && numbers > 0) entry.signs = number_signs(text);
  entry.key = entry.signs.empty() ? entry.folded : entry.folded + "\n" + entry.signs;
  if (numbers > 0 && words.size() - numbers >= form_words) entry.form = numberless_text(entry.folded);
  if (words.size() >= least_words && words.size() <= short_words) {
    for (const std::string_view word : words) entry.words.push_back(hash64(word));
  }
  if (words.size() >= short_words) entry.grams = grams_of(entry.folded);
  return entry;
}

std::size_t least_overlap(std::size_t a, std::size_t b) {
  return static_cast<std::size_t>(
      std::ceil(least_gram_overlap / (1 + least_gram_overlap) * static_cast<double>(a + b) - 1e-9));
}

bool similar_grams(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  const std::size_t needed = least_overlap(a.size(), b.size());
  std::size_t i = 0;
  std::size_t j = 0;
  std::size_t common = 0;
  while (i < a.size() && j < b.size()) {
    if (common + std::min(a.size() - i, b.size() - j) < needed) return false;
    if (a[i] == b[j]) {
      ++common;
      ++i;
      ++j;
    } else if (a[i] < b[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return common >= needed;
}

bool within_one_word(const NearText& a, const NearText& b) {
  if (a.signs != b.signs) return false;
  const NearText& shorter = a.words.size() <= b.words.size() ? a : b;
  const NearText& longer = a.words.size() <= b.words.size() ? b : a;
  const std::size_t n = shorter.words.size();
  const std::size_t m = longer.words.size();
  if (n < least_words || m - n > 1) return false;
  std::size_t head = 0;
  while (head < n && shorter.words[head] == longer.words[head]) ++head;
  std::size_t tail = 0;
  while (tail < n - head && shorter.words[n - 1 - tail] == longer.words[m - 1 - tail]) ++tail;
  if (m - head - tail > 1) return false;
  if (head == m) return true;
  const std::string_view word = words_of(longer.folded)[head];
  return m > n ? !has_digit(word) : is_spelling_slip(words_of(shorter.folded)[head], word);
}

}  // namespace hone::data
