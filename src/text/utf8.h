// UTF-8 read one code point at a time; bytes that are not UTF-8 count as one character each, so nothing is ever lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hone::text {

struct CodePoint {
  std::uint32_t code = 0;
  std::size_t length = 1;  // bytes
  bool valid = false;      // false: a byte that starts no valid code point; length is 1
};

// The code point that starts at byte `at`; at < text.size().
CodePoint code_point_at(std::string_view text, std::size_t at);
// The code point that ends before byte `end`; 0 < end <= text.size().
CodePoint code_point_before(std::string_view text, std::size_t end);
void append_utf8(std::string& out, std::uint32_t code);
// How many bytes at the start of `text` are valid UTF-8.
std::size_t valid_utf8_prefix(std::string_view text);

// Unicode's White_Space property: what `\s` means in Rust and Oniguruma.
bool is_white_space(std::uint32_t code);
// What Python's str.strip(), str.split() and `\s` take for white space: White_Space and U+001C..U+001F.
bool is_python_space(std::uint32_t code);
// `\w` as Rust's regex has it (Unicode 16): alphabetic characters, marks, decimal digits, connecting punctuation,
// joiners.
bool is_word_character(std::uint32_t code);

// Unicode Normalization Form C of valid UTF-8, as of Unicode 9: what the NFC step of Hugging Face's tokenizers
// computes.
std::string nfc(std::string_view text);

}  // namespace hone::text
