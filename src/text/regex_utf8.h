// Ranges of characters as sequences of byte ranges of their UTF-8.
#pragma once

#include <cstdint>
#include <vector>

namespace hone::text {

struct CharacterRange {
  char32_t first = 0;
  char32_t last = 0;
};
using CharacterSet = std::vector<CharacterRange>;  // sorted, apart from each other

inline constexpr char32_t last_character = 0x10FFFF;

struct ByteRange {
  std::uint8_t first = 0;
  std::uint8_t last = 0;
};
using ByteSequence = std::vector<ByteRange>;

// Sorted, touching ranges joined.
CharacterSet normal_set(CharacterSet set);
// All characters that aren't in `set`.
CharacterSet outside(const CharacterSet& set);
// The UTF-8 of the set's characters: the union of products of byte ranges. Surrogates have none.
std::vector<ByteSequence> utf8_sequences(const CharacterSet& set);

}  // namespace hone::text
