#include "data/near_keys.h"

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace hone::data {
namespace {

// Keeps the kinds of keys apart.
enum class Kind : std::uint64_t { whole = 1, form, words, band, head, tail };

std::uint64_t key_of(Kind kind, std::uint64_t value) { return mix64(value ^ mix64(static_cast<std::uint64_t>(kind))); }

// Hash of the words without the one at `left_out` (words.size(): all words), marked by `mark`.
std::uint64_t words_key(const std::vector<std::uint64_t>& words, std::size_t left_out, std::uint64_t mark) {
  std::uint64_t key = mix64(mark);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != left_out) key = mix64(key ^ words[i]);
  }
  return key_of(Kind::words, key);
}

void append_word_keys(const std::vector<std::uint64_t>& words, std::vector<std::uint64_t>& keys) {
  keys.push_back(words_key(words, words.size(), 0));
  for (std::size_t p = 0; p < words.size(); ++p) {
    keys.push_back(words_key(words, p, 0));
    keys.push_back(words_key(words, p, p + 1));
  }
}

// Of two texts of n and n or n + 1 words, one edit apart, either the first or the last n / 2 words are the same. The
// key holds n: a text is found by those of its own length and, as the longer one, by those of one word less.
void append_half_keys(const std::vector<std::uint64_t>& words, std::vector<std::uint64_t>& keys) {
  for (const std::size_t n : {words.size() - 1, words.size()}) {
    if (n < short_words || n > most_edited_words) continue;
    std::uint64_t head = mix64(n);
    std::uint64_t tail = mix64(n);
    for (std::size_t i = 0; i < n / 2; ++i) {
      head = mix64(head ^ words[i]);
      tail = mix64(tail ^ words[words.size() - 1 - i]);
    }
    keys.push_back(key_of(Kind::head, head));
    keys.push_back(key_of(Kind::tail, tail));
  }
}

constexpr std::size_t hash_functions = band_count * band_rows;

// One function a place: x -> (x xor flip) * factor, modulo 2^32.
struct HashFunctions {
  std::array<std::uint32_t, hash_functions> flips;
  std::array<std::uint32_t, hash_functions> factors;
};

HashFunctions hash_functions_of_law() {
  HashFunctions made{};
  for (std::size_t i = 0; i < hash_functions; ++i) {
    const std::uint64_t drawn = mix64(i + 1);
    made.flips[i] = static_cast<std::uint32_t>(drawn);
    made.factors[i] = static_cast<std::uint32_t>(drawn >> 32) | 1U;
  }
  return made;
}

void append_band_keys(const std::vector<std::uint32_t>& grams, std::vector<std::uint64_t>& keys) {
  static const HashFunctions functions = hash_functions_of_law();
  std::array<std::uint32_t, hash_functions> least;
  least.fill(UINT32_MAX);
  for (const std::uint32_t gram : grams) {
    for (std::size_t i = 0; i < hash_functions; ++i) {
      const std::uint32_t value = (gram ^ functions.flips[i]) * functions.factors[i];
      least[i] = value < least[i] ? value : least[i];
    }
  }
  for (std::size_t band = 0; band < band_count; ++band) {
    std::uint64_t key = mix64(band);
    for (std::size_t row = 0; row < band_rows; ++row) key = mix64(key ^ least[band * band_rows + row]);
    keys.push_back(key_of(Kind::band, key));
  }
}

}  // namespace

void append_near_keys(const NearText& text, Likeness least, std::vector<std::uint64_t>& keys) {
  if (!text.key.empty()) keys.push_back(key_of(Kind::whole, hash64(text.key)));
  if (!text.form.empty()) keys.push_back(key_of(Kind::form, hash64(text.form)));
  const std::size_t words = text.words.size();  // 0 where they are not kept
  if (words > 0 && words <= short_words) append_word_keys(text.words, keys);
  if (least == Likeness::one_word && words >= short_words) append_half_keys(text.words, keys);
  if (!text.grams.empty()) append_band_keys(text.grams, keys);
}

}  // namespace hone::data
