// Python's string methods on text that keeps its origins. Positions count characters, as in Python; a byte that is no
// valid UTF-8 counts as one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/marked_text.h"

namespace hone::text::jinja {

// The byte position of each character, then size().
std::vector<std::size_t> character_starts(std::string_view text);
std::size_t character_count(std::string_view text);

enum class Ends : unsigned char { left, right, both };
// Without the characters in `characters` at its ends; without white space where that is not given.
// How often `part`, which is not empty, stands in `text`, without overlaps.
std::size_t count_of(std::string_view text, std::string_view part);
std::size_t white_space_count(std::string_view text);
MarkedText strip(const MarkedText& text, Ends ends, std::optional<std::string_view> characters);

// The parts between separators, at most `most` cuts (negative: all), from the left or the right. Without a separator:
// between runs of white space, none at the ends.
struct SplitSpec {
  std::optional<std::string_view> separator;  // not empty
  std::int64_t most = -1;
  Ends from = Ends::left;
};
std::vector<MarkedText> split(const MarkedText& text, const SplitSpec& spec);
// Python's str.splitlines().
std::vector<MarkedText> split_lines(const MarkedText& text);

// Every `old` (all, or the first `most`) by `fresh`; an empty `old` matches between characters.
MarkedText replace(const MarkedText& text, std::string_view old, const MarkedText& fresh, std::int64_t most);

// Case by Unicode's one-to-one mappings (and "ss" for U+00DF in upper case).
enum class Case : unsigned char { upper, lower, capitalized, title };
MarkedText with_case(const MarkedText& text, Case to);

// text[start:stop:step], each bound optional; step is not 0.
struct Slice {
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
  // The positions taken out of `size`, in order.
  std::vector<std::size_t> positions(std::size_t size) const;
};
MarkedText slice(const MarkedText& text, const Slice& range);

}  // namespace hone::text::jinja
