// The regexes by which nearly all byte-level models cut text, and a scanner that does the same for ASCII several times
// faster than any regex engine.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hone::text {

// ByteLevel(use_regex = true); OpenAI's GPT-2 encoder.py.
inline constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view single_digits_pattern = R"(\p{Numeric})";
// single_digits_pattern, then gpt2_pattern inside each piece, as one regex: a number ends a piece, so white space
// before one counts as white space before the end.
inline constexpr std::string_view gpt2_after_single_digits_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{Numeric}| ?[^\s\p{L}\p{Numeric}]+|\s+(?![^\s\p{Numeric}])|\s+)";
inline constexpr std::string_view qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

class AsciiPieces {
 public:
  // For one of the patterns above (not single_digits_pattern); nothing for any other.
  static std::optional<AsciiPieces> of(std::string_view pattern);
  // The end of the pattern's match that begins at `at` < text.size(); 0 where a byte beyond ASCII has a say in it.
  std::size_t end_of_piece(std::string_view text, std::size_t at) const;

 private:
  struct Rules {
    std::string_view pattern;
    bool contractions_of_any_case = false;
    bool letters_take_any_character = false;  // the one before them, else only a space
    std::size_t most_digits = 1;
    bool digits_take_space = false;
    bool line_ends_count = false;   // marks take those after them; white space is cut behind its last one
    bool digit_ends_space = false;  // white space before a digit is one piece, as before the end
  };
  static const Rules all_rules[4];
  explicit AsciiPieces(const Rules& rules) : rules_(&rules) {}
  std::size_t contraction(std::string_view text, std::size_t at) const;
  std::size_t word(std::string_view text, std::size_t at) const;
  std::size_t digits(std::string_view text, std::size_t at) const;
  std::size_t marks(std::string_view text, std::size_t at) const;
  std::size_t white_space(std::string_view text, std::size_t at) const;

  const Rules* rules_;
};

}  // namespace hone::text
