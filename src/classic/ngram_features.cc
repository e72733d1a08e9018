#include "classic/ngram_features.h"

#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/hash.h"

namespace hone::classic {
namespace {

constexpr std::size_t most_characters = 5;
constexpr std::size_t texts_for_dropping = 500;
// Seeds keep word and character features apart; the lowest bit of a feature's hash tells them apart too.
constexpr std::uint64_t word_seed = 1;
constexpr std::uint64_t character_seed = 2;

bool is_word(utf8proc_int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
      return true;
    default:
      return code == '_';
  }
}

// Calls use(code point, its lower-cased bytes); invalid bytes are skipped.
template <class Use>
void for_each_character(std::string_view text, const Use& use) {
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t code = 0;
    const utf8proc_ssize_t length = std::max<utf8proc_ssize_t>(1, utf8proc_iterate(at, left, &code));
    if (code >= 0) {
      utf8proc_uint8_t bytes[4];
      // A code point has one to four bytes.
      const auto lowered = std::clamp<utf8proc_ssize_t>(utf8proc_encode_char(utf8proc_tolower(code), bytes), 1, 4);
      use(code, std::string_view(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(lowered)));
    }
    at += length;
    left -= length;
  }
}

using Counts = std::unordered_map<std::uint64_t, std::uint32_t>;

std::uint64_t word_hash(std::string_view gram) { return hash64(gram, word_seed) & ~1ULL; }
std::uint64_t character_hash(std::string_view gram) { return hash64(gram, character_seed) | 1ULL; }

void count_words(std::string_view text, Counts& counts) {
  const auto words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    ++counts[word_hash(words[i])];
    if (i + 1 < words.size()) ++counts[word_hash(words[i] + " " + words[i + 1])];
  }
}

// Characters of each white-space separated piece, with a space on both sides, as scikit-learn's char_wb.
void count_characters(std::string_view text, Counts& counts) {
  std::string piece = " ";
  std::vector<std::size_t> starts = {0};
  const auto flush = [&] {
    if (starts.size() > 1) {
      starts.push_back(piece.size());
      piece += ' ';
      starts.push_back(piece.size());
      const std::size_t characters = starts.size() - 1;
      for (std::size_t n = 1; n <= most_characters; ++n) {
        for (std::size_t i = 0; i + n <= characters; ++i) {
          ++counts[character_hash(std::string_view(piece).substr(starts[i], starts[i + n] - starts[i]))];
        }
      }
    }
    piece.assign(1, ' ');
    starts = {0};
  };
  for_each_character(text, [&](utf8proc_int32_t code, std::string_view lowered) {
    if (utf8proc_category(code) == UTF8PROC_CATEGORY_ZS || code < 0x20) {
      flush();
    } else {
      starts.push_back(piece.size());
      piece += lowered;
    }
  });
  flush();
}

Counts counts_of(std::string_view text) {
  Counts counts;
  count_words(text, counts);
  count_characters(text, counts);
  return counts;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for_each_character(text, [&](utf8proc_int32_t code, std::string_view lowered) {
    if (is_word(code)) {
      word += lowered;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  });
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

NgramFeatures NgramFeatures::learn(std::span<const std::string> texts) {
  std::unordered_map<std::uint64_t, std::uint32_t> document_counts;
  for (const auto& text : texts) {
    for (const auto& [hash, count] : counts_of(text)) ++document_counts[hash];
  }
  const std::uint32_t least = texts.size() > texts_for_dropping ? 2 : 1;
  NgramFeatures features;
  for (const auto& [hash, count] : document_counts) {
    if (count >= least) features.hashes_.push_back(hash);
  }
  std::sort(features.hashes_.begin(), features.hashes_.end());
  const auto n = static_cast<double>(texts.size());
  for (const std::uint64_t hash : features.hashes_) {
    features.idf_.push_back(
        static_cast<float>(std::log((1 + n) / (1 + static_cast<double>(document_counts[hash]))) + 1));
  }
  return features;
}

SparseRow NgramFeatures::transform(std::string_view text) const {
  SparseRow row;
  double squares[2] = {0, 0};
  for (const auto& [hash, count] : counts_of(text)) {
    const auto found = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
    if (found == hashes_.end() || *found != hash) continue;
    const auto index = static_cast<std::uint32_t>(found - hashes_.begin());
    const auto value = static_cast<float>((1 + std::log(static_cast<double>(count))) * idf_[index]);
    row.emplace_back(index, value);
  }
  // Sums in index order, so that they do not depend on the hash table's order.
  std::sort(row.begin(), row.end());
  for (const auto& [index, value] : row) squares[hashes_[index] & 1U] += static_cast<double>(value) * value;
  for (auto& [index, value] : row) value = static_cast<float>(value / std::sqrt(2 * squares[hashes_[index] & 1U]));
  return row;
}

}  // namespace hone::classic
