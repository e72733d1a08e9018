// Text as identity, near-duplicate search and n-grams see it. Every function takes any bytes: what is not valid UTF-8
// counts as U+FFFD.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

// What a row id is the hash of: NFC, trimmed, runs of white space as one space.
std::string canonical_text(std::string_view text);

// What texts share that differ in form only: NFKC case folding, runs of non-word characters as one space, trimmed.
// Empty for texts without a letter or digit.
std::string folded_text(std::string_view text);

// A folded text with each run of numbers ("3 14", "2026 05 01") as one 0: the form that texts share whose numbers
// alone differ.
std::string numberless_text(std::string_view folded);

// The arithmetic and comparison signs that stand next to a number, in order ("12 - 7 < 6" gives "-<"), which folding
// drops. A hyphen inside a word or number ("555-1234") is none.
std::string number_signs(std::string_view text);

// Whether a digit stands in it, of any script.
bool has_digit(std::string_view text);

// NFC in lower case, letters kept otherwise: what n-grams are cut from.
std::string lowered_text(std::string_view text);

// Runs of letters, marks, digits and underscores. In scripts without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar)
// each code point is a word. Views into `text`.
std::vector<std::string_view> words_of(std::string_view text);

// Byte length of the code point at `position` (1 for a byte that starts none).
std::size_t code_point_length(std::string_view text, std::size_t position);

// Levenshtein distance in bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The name of `known` nearest to `name`: at most two edits, or a third of its length, apart in folded text;
// empty where none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

// "a, b, c and 5 more": at most `most` names, printable.
std::string name_list(const std::vector<std::string>& names, std::size_t most);

}  // namespace hone::data
