#include "data/near_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/hash.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t gram_points = 5;       // code points in a gram
constexpr std::size_t least_gram_words = 5;  // below, a text has too few grams for their share to mean anything

std::vector<std::uint32_t> grams_of(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); i += code_point_length(text, i)) starts.push_back(i);
  starts.push_back(text.size());
  std::vector<std::uint32_t> grams;
  for (std::size_t i = 0; i + gram_points < starts.size(); ++i) {
    const std::string_view gram = text.substr(starts[i], starts[i + gram_points] - starts[i]);
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

// Where two sequences of words differ, if that is in one word at most.
struct EditedPlace {
  bool is_one = false;
  std::size_t head = 0;  // words before it; the number of words where all are equal
};

EditedPlace edited_place(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  const auto& shorter = a.size() <= b.size() ? a : b;
  const auto& longer = a.size() <= b.size() ? b : a;
  const std::size_t n = shorter.size();
  const std::size_t m = longer.size();
  EditedPlace place;
  if (m - n > 1) return place;
  while (place.head < n && shorter[place.head] == longer[place.head]) ++place.head;
  std::size_t tail = 0;
  while (tail < n - place.head && shorter[n - 1 - tail] == longer[m - 1 - tail]) ++tail;
  place.is_one = m - place.head - tail <= 1;
  return place;
}

// Whether the words that hold digits are the same, in the same order.
bool have_same_numbers(const NearText& a, const NearText& b) {
  const auto numbers_of = [](const NearText& text) {
    std::vector<std::string_view> words = words_of(text.folded);
    std::erase_if(words, [](std::string_view word) { return !has_digit(word); });
    return words;
  };
  return a.signs == b.signs && numbers_of(a) == numbers_of(b);
}

bool is_number_only(std::string_view folded) {
  return std::all_of(folded.begin(), folded.end(), [](char c) { return c == ' ' || (c >= '0' && c <= '9'); });
}

}  // namespace

NearText near_text(std::string_view text) {
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
  entry.word_count = words.size();
  if (words.size() >= least_words && words.size() <= most_edited_words + 1) {
    for (const std::string_view word : words) entry.words.push_back(hash64(word));
  }
  if (words.size() >= least_gram_words) entry.grams = grams_of(entry.folded);
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

bool is_one_edit_apart(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  const EditedPlace place = edited_place(a, b);
  return place.is_one;
}

bool within_one_word(const NearText& a, const NearText& b) {
  if (a.signs != b.signs) return false;
  const NearText& shorter = a.words.size() <= b.words.size() ? a : b;
  const NearText& longer = a.words.size() <= b.words.size() ? b : a;
  if (shorter.words.size() < least_words) return false;
  const EditedPlace place = edited_place(shorter.words, longer.words);
  if (!place.is_one) return false;
  if (place.head == longer.words.size()) return true;
  const std::string_view word = words_of(longer.folded)[place.head];
  if (longer.words.size() > shorter.words.size()) return !has_digit(word);
  return is_spelling_slip(words_of(shorter.folded)[place.head], word);
}

bool is_one_word_apart(const NearText& a, const NearText& b) {
  const NearText& shorter = a.words.size() <= b.words.size() ? a : b;
  const NearText& longer = a.words.size() <= b.words.size() ? b : a;
  const std::size_t n = shorter.words.size();
  if (n < least_edited_words || n > most_edited_words || a.signs != b.signs) return false;
  const EditedPlace place = edited_place(shorter.words, longer.words);
  if (!place.is_one) return false;
  if (place.head == longer.words.size()) return true;
  if (has_digit(words_of(longer.folded)[place.head])) return false;
  return longer.words.size() > n || !has_digit(words_of(shorter.folded)[place.head]);
}

const char* name_of(Likeness likeness) {
  switch (likeness) {
    case Likeness::identical:
      return "identical";
    case Likeness::near:
      return "near";
    case Likeness::one_word:
      return "one word";
    case Likeness::different:
      break;
  }
  return "different";
}

Likeness likeness_of(const NearText& a, const NearText& b) {
  if (!a.key.empty() && a.key == b.key) return Likeness::identical;
  if (!a.form.empty() && a.form == b.form) return Likeness::near;
  const bool has_short = std::min(a.word_count, b.word_count) < short_words;
  if (has_short && !a.words.empty() && !b.words.empty() && within_one_word(a, b)) return Likeness::near;
  const bool has_grams = !a.grams.empty() && !b.grams.empty();
  if (has_grams && similar_grams(a.grams, b.grams) && (!has_short || have_same_numbers(a, b))) return Likeness::near;
  return is_one_word_apart(a, b) ? Likeness::one_word : Likeness::different;
}

double gram_similarity(std::string_view folded_a, std::string_view folded_b) {
  const std::vector<std::uint32_t> a = grams_of(folded_a);
  const std::vector<std::uint32_t> b = grams_of(folded_b);
  if (a.empty() && b.empty()) return folded_a == folded_b ? 1 : 0;
  std::vector<std::uint32_t> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return static_cast<double>(common.size()) / static_cast<double>(a.size() + b.size() - common.size());
}

}  // namespace hone::data
