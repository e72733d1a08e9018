#include "text/ascii_pieces.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace hone::text {
namespace {

enum class Kind : unsigned char { letter, digit, line_end, blank, mark, wide };

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};
  for (std::size_t c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    const bool line_end = c == '\n' || c == '\r';
    const bool blank = c == ' ' || (c >= 9 && c <= 13);
    kinds[c] = c >= 0x80  ? Kind::wide
               : letter   ? Kind::letter
               : digit    ? Kind::digit
               : line_end ? Kind::line_end
               : blank    ? Kind::blank
                          : Kind::mark;
  }
  return kinds;
}
constexpr std::array<Kind, 256> kinds = make_kinds();

// The results of the steps below: no match, or a byte beyond ASCII decides.
constexpr std::size_t no_match = ~std::size_t{0};
constexpr std::size_t undecided = 0;

Kind kind_at(std::string_view text, std::size_t at) { return kinds[static_cast<unsigned char>(text[at])]; }
bool is(std::string_view text, std::size_t at, Kind kind) { return at < text.size() && kind_at(text, at) == kind; }

// The first of the eight bytes that is no ASCII letter, or 8.
std::size_t letters_at_start(std::uint64_t eight) {
  constexpr std::uint64_t each = 0x0101010101010101ULL;
  const std::uint64_t high = eight & (each * 0x80);
  const std::uint64_t lower = (eight | (each * 0x20)) & (each * 0x7F);
  // The top bit of each byte: whether it is at least 'a', and whether it is beyond 'z'.
  const std::uint64_t from_a = lower + each * (0x80 - 'a');
  const std::uint64_t beyond_z = lower + each * (0x80 - 'z' - 1);
  const std::uint64_t other = (~from_a | beyond_z | high) & (each * 0x80);
  return other == 0 ? 8 : static_cast<std::size_t>(std::countr_zero(other)) / 8;
}

std::size_t end_of_letters(std::string_view text, std::size_t at) {
  while (at + 8 <= text.size()) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, sizeof eight);
    const std::size_t letters = letters_at_start(eight);
    at += letters;
    if (letters < 8) return at;
  }
  while (at < text.size() && kind_at(text, at) == Kind::letter) ++at;
  return at;
}

std::size_t end_of_run(std::string_view text, std::size_t at, Kind kind) {
  while (at < text.size() && kind_at(text, at) == kind) ++at;
  return at;
}

}  // namespace

constexpr AsciiPieces::Rules AsciiPieces::all_rules[4] = {
    {.pattern = gpt2_pattern, .most_digits = ~std::size_t{0}, .digits_take_space = true},
    {.pattern = gpt2_after_single_digits_pattern, .digit_ends_space = true},
    {.pattern = qwen2_pattern,
     .contractions_of_any_case = true,
     .letters_take_any_character = true,
     .line_ends_count = true},
    {.pattern = llama3_pattern,
     .contractions_of_any_case = true,
     .letters_take_any_character = true,
     .most_digits = 3,
     .line_ends_count = true}};

std::optional<AsciiPieces> AsciiPieces::of(std::string_view pattern) {
  for (const Rules& rules : all_rules) {
    if (rules.pattern == pattern) return AsciiPieces(rules);
  }
  return std::nullopt;
}

// 's 't 're 've 'm 'll 'd
std::size_t AsciiPieces::contraction(std::string_view text, std::size_t at) const {
  if (text[at] != '\'' || at + 1 == text.size()) return no_match;
  // Without regard to case the long s (U+017F) is an s.
  if (rules_->contractions_of_any_case && kind_at(text, at + 1) == Kind::wide) return undecided;
  const auto letter = [&](std::size_t i) {
    if (i >= text.size()) return '\0';
    return rules_->contractions_of_any_case && kind_at(text, i) == Kind::letter ? static_cast<char>(text[i] | 0x20)
                                                                                : text[i];
  };
  const char first = letter(at + 1);
  const char second = letter(at + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  if ((second == 'e' && (first == 'r' || first == 'v')) || (first == 'l' && second == 'l')) return at + 3;
  return no_match;
}

// Letters and, maybe, the character before them.
std::size_t AsciiPieces::word(std::string_view text, std::size_t at) const {
  std::size_t begin = at;
  const Kind kind = kind_at(text, at);
  if (rules_->letters_take_any_character ? kind == Kind::blank || kind == Kind::mark : text[at] == ' ') ++begin;
  const std::size_t end = end_of_letters(text, begin);
  if (is(text, end, Kind::wide)) return undecided;
  return end > begin ? end : no_match;
}

std::size_t AsciiPieces::digits(std::string_view text, std::size_t at) const {
  const std::size_t begin = at + (rules_->digits_take_space && text[at] == ' ' ? 1 : 0);
  const std::size_t end = end_of_run(text, begin, Kind::digit);
  if (end > begin && end - begin >= rules_->most_digits) return begin + rules_->most_digits;
  if (is(text, end, Kind::wide)) return undecided;
  return end > begin ? end : no_match;
}

// What is neither letter, digit nor white space, and maybe the space before it.
std::size_t AsciiPieces::marks(std::string_view text, std::size_t at) const {
  const std::size_t begin = at + (text[at] == ' ' ? 1 : 0);
  std::size_t end = end_of_run(text, begin, Kind::mark);
  if (is(text, end, Kind::wide)) return undecided;
  if (end == begin) return no_match;
  if (rules_->line_ends_count) end = end_of_run(text, end, Kind::line_end);
  return end;
}

std::size_t AsciiPieces::white_space(std::string_view text, std::size_t at) const {
  std::size_t end = at;
  std::size_t behind_line_end = at;
  while (end < text.size() && (kind_at(text, end) == Kind::blank || kind_at(text, end) == Kind::line_end)) {
    if (kind_at(text, end++) == Kind::line_end) behind_line_end = end;
  }
  if (is(text, end, Kind::wide)) return undecided;
  if (rules_->line_ends_count && behind_line_end > at) return behind_line_end;
  const bool whole = end == text.size() || (rules_->digit_ends_space && kind_at(text, end) == Kind::digit);
  // Else its last character goes with what follows.
  return whole || end == at + 1 ? end : end - 1;
}

std::size_t AsciiPieces::end_of_piece(std::string_view text, std::size_t at) const {
  if (kind_at(text, at) == Kind::wide) return undecided;
  std::size_t end = contraction(text, at);
  if (end == no_match) end = word(text, at);
  if (end == no_match) end = digits(text, at);
  if (end == no_match) end = marks(text, at);
  if (end == no_match) end = white_space(text, at);
  return end;
}

}  // namespace hone::text
