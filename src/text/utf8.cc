#include "text/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

#include "base/error.h"

namespace hone::text {
namespace {

// Combining characters that came after Unicode 9, where the normaliser of Hugging Face's tokenizers stops: it neither
// reorders nor composes them, so ids would differ if we did. Derived by comparing every mark with tokenizers 0.23.
constexpr std::pair<std::uint32_t, std::uint32_t> newer_marks[] = {
    {0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},     {0xC3C, 0xC3C},
    {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},   {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},
    {0xA82C, 0xA82C},   {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50},
    {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x1183A},
    {0x11930, 0x11930}, {0x1193D, 0x1193E}, {0x11943, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34},
    {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45}, {0x11D97, 0x11D97},
    {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE},
    {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF}};

// Word characters of Unicode 16 that are alphabetic without being letters, join letters, or came after Unicode 15,
// where utf8proc 2.8 stops. Derived by comparing every code point with tokenizers 0.23.
constexpr std::pair<std::uint32_t, std::uint32_t> further_word_characters[] = {
    {0x897, 0x897},     {0x1C89, 0x1C8A},   {0x200C, 0x200D},   {0x24B6, 0x24E9},   {0xA7CB, 0xA7CD},
    {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3}, {0x10D40, 0x10D65}, {0x10D69, 0x10D6D}, {0x10D6F, 0x10D85},
    {0x10EC2, 0x10EC4}, {0x10EFC, 0x10EFC}, {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E},
    {0x11390, 0x113B5}, {0x113B7, 0x113C0}, {0x113C2, 0x113C2}, {0x113C5, 0x113C5}, {0x113C7, 0x113CA},
    {0x113CC, 0x113D3}, {0x113E1, 0x113E2}, {0x116D0, 0x116E3}, {0x11BC0, 0x11BE0}, {0x11BF0, 0x11BF9},
    {0x11F5A, 0x11F5A}, {0x13460, 0x143FA}, {0x16100, 0x16139}, {0x16D40, 0x16D6C}, {0x16D70, 0x16D79},
    {0x18CFF, 0x18CFF}, {0x1CCF0, 0x1CCF9}, {0x1E5D0, 0x1E5FA}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169},
    {0x1F170, 0x1F189}, {0x2EBF0, 0x2EE5D}};

template <std::size_t size>
bool holds(const std::pair<std::uint32_t, std::uint32_t> (&ranges)[size], std::uint32_t code) {
  const auto* range =
      std::partition_point(std::begin(ranges), std::end(ranges), [&](const auto& one) { return one.second < code; });
  return range != std::end(ranges) && range->first <= code;
}

// Neither changed by composition itself nor by what stands before it. Below U+0300 all characters are.
bool is_stable_starter(std::uint32_t code) {
  if (code < 0x300) return true;
  // Vowels and final consonants of Hangul compose by rule.
  if ((code >= 0x1161 && code <= 0x1175) || (code >= 0x11A8 && code <= 0x11C2)) return false;
  const utf8proc_property_t* property = utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
  return property->combining_class == 0 && property->decomp_seqindex == UINT16_MAX &&
         property->comb_index == UINT16_MAX;
}

void append_nfc(std::string& out, std::string_view text) {
  utf8proc_uint8_t* made = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &made, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(made, std::free);
  HONE_CHECK(length >= 0);
  out.append(reinterpret_cast<const char*>(made), static_cast<std::size_t>(length));
}

// Marks that the reference does not know stay where they are and divide the text.
void append_nfc_unless_newer(std::string& out, std::string_view text) {
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint at = code_point_at(text, i);
    if (holds(newer_marks, at.code)) {
      if (i > done) append_nfc(out, text.substr(done, i - done));
      out.append(text.substr(i, at.length));
      done = i + at.length;
    }
    i += at.length;
  }
  if (done < text.size()) append_nfc(out, text.substr(done));
}

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1, true};
  utf8proc_int32_t code = -1;
  const auto left = static_cast<utf8proc_ssize_t>(std::min<std::size_t>(text.size() - at, 4));
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at), left, &code);
  if (length <= 0 || code < 0) return {first, 1, false};
  return {static_cast<std::uint32_t>(code), static_cast<std::size_t>(length), true};
}

CodePoint code_point_before(std::string_view text, std::size_t end) {
  for (std::size_t length = 1; length <= std::min<std::size_t>(4, end); ++length) {
    const CodePoint at = code_point_at(text, end - length);
    if (at.valid && at.length == length) return at;
  }
  return {static_cast<unsigned char>(text[end - 1]), 1, false};
}

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (at + sizeof eight <= text.size()) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080ULL) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const CodePoint next = code_point_at(text, at);
    if (!next.valid) return at;
    at += next.length;
  }
  return at;
}

void append_utf8(std::string& out, std::uint32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

bool is_white_space(std::uint32_t code) {
  return (code >= 0x9 && code <= 0xD) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

bool is_python_space(std::uint32_t code) { return is_white_space(code) || (code >= 0x1C && code <= 0x1F); }

bool is_word_character(std::uint32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return holds(further_word_characters, code);
  }
}

std::string nfc(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;
  // What comes after a stable starter does not depend on what comes before it, so only such starters that unstable
  // characters follow need work.
  std::size_t starter = 0;
  bool stable = true;
  const auto finish = [&](std::size_t end) {
    if (stable) return;
    out.append(text.substr(done, starter - done));
    append_nfc_unless_newer(out, text.substr(starter, end - starter));
    done = end;
    stable = true;
  };
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint at = code_point_at(text, i);
    if (is_stable_starter(at.code)) {
      finish(i);
      starter = i;
    } else {
      stable = false;
    }
    i += at.length;
  }
  finish(text.size());
  out.append(text.substr(done));
  return out;
}

}  // namespace hone::text
