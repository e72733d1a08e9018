#include "text/regex_utf8.h"

#include <algorithm>
#include <string>

namespace hone::text {

namespace {

void encode(char32_t c, std::uint8_t (&bytes)[4], int length) {
  for (int i = length - 1; i > 0; --i) {
    bytes[i] = static_cast<std::uint8_t>(0x80 | (c & 0x3F));
    c >>= 6;
  }
  constexpr std::uint8_t lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
  bytes[0] = static_cast<std::uint8_t>(lead[length] | c);
}

// `first` and `last` have UTF-8 of the same `length`. Cut until all bytes but the leading ones run over whole ranges.
void add_same_length(char32_t first, char32_t last, int length, std::vector<ByteSequence>& out) {
  for (int i = 1; i < length; ++i) {
    const char32_t low_bits = (char32_t{1} << (6 * i)) - 1;
    if ((first & ~low_bits) == (last & ~low_bits)) continue;
    if ((first & low_bits) != 0) {
      add_same_length(first, first | low_bits, length, out);
      add_same_length((first | low_bits) + 1, last, length, out);
      return;
    }
    if ((last & low_bits) != low_bits) {
      add_same_length(first, (last & ~low_bits) - 1, length, out);
      add_same_length(last & ~low_bits, last, length, out);
      return;
    }
  }
  std::uint8_t from[4], to[4];
  encode(first, from, length);
  encode(last, to, length);
  ByteSequence sequence;
  for (int i = 0; i < length; ++i) sequence.push_back({from[i], to[i]});
  out.push_back(std::move(sequence));
}

}  // namespace

CharacterSet normal_set(CharacterSet set) {
  std::sort(set.begin(), set.end(), [](const CharacterRange& a, const CharacterRange& b) { return a.first < b.first; });
  CharacterSet joined;
  for (const CharacterRange& range : set) {
    if (!joined.empty() && range.first <= joined.back().last + 1) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

CharacterSet outside(const CharacterSet& set) {
  CharacterSet rest;
  char32_t next = 0;
  for (const CharacterRange& range : normal_set(set)) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= last_character) rest.push_back({next, last_character});
  return rest;
}

std::vector<ByteSequence> utf8_sequences(const CharacterSet& set) {
  struct Part {
    char32_t first, last;
    int length;
  };
  constexpr Part parts[] = {
      {0, 0x7F, 1}, {0x80, 0x7FF, 2}, {0x800, 0xD7FF, 3}, {0xE000, 0xFFFF, 3}, {0x10000, last_character, 4}};
  std::vector<ByteSequence> sequences;
  for (const CharacterRange& range : set) {
    for (const Part& part : parts) {
      const char32_t first = std::max(range.first, part.first), last = std::min(range.last, part.last);
      if (first <= last) add_same_length(first, last, part.length, sequences);
    }
  }
  return sequences;
}

}  // namespace hone::text
