#include "data/normal_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/terminal.h"

namespace hone::data {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_space_byte(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

struct CodePoint {
  utf8proc_int32_t value = 0;
  std::size_t length = 1;
};

CodePoint code_point_at(std::string_view text, std::size_t position) {
  const auto first = static_cast<unsigned char>(text[position]);
  if (first < 0x80) return {first, 1};
  utf8proc_int32_t value = 0;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + position);
  const utf8proc_ssize_t length =
      utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - position), &value);
  if (length <= 0) return {0xFFFD, 1};
  return {value, static_cast<std::size_t>(length)};
}

void append_code_point(std::string& out, utf8proc_int32_t value) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value));
    return;
  }
  utf8proc_uint8_t buffer[4];
  const utf8proc_ssize_t length = utf8proc_encode_char(value, buffer);
  out.append(reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(length));
}

std::string with_bad_bytes_replaced(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    append_code_point(out, point.value);
    i += point.length;
  }
  return out;
}

std::string mapped(std::string_view text, int options) {
  const std::string clean = is_utf8(text) ? std::string(text) : with_bad_bytes_replaced(text);
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(clean.data()), static_cast<utf8proc_ssize_t>(clean.size()),
                   &result, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length < 0) return clean;
  return std::string(reinterpret_cast<const char*>(result), static_cast<std::size_t>(length));
}

bool is_white(utf8proc_int32_t value) {
  if (value < 0x80) return is_space_byte(static_cast<char>(value));
  const utf8proc_category_t category = utf8proc_category(value);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP ||
         value == 0x85;
}

bool is_word_point(utf8proc_int32_t value) {
  if (value < 0x80) {
    const char c = static_cast<char>(value);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  const utf8proc_category_t category = utf8proc_category(value);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
}

bool is_digit(utf8proc_int32_t value) {
  return value < 0x80 ? value >= '0' && value <= '9' : utf8proc_category(value) == UTF8PROC_CATEGORY_ND;
}

bool starts_with_digit(std::string_view text) { return !text.empty() && is_digit(code_point_at(text, 0).value); }

// An arithmetic or comparison sign as its ASCII equal; 0 for anything else.
char sign_of(utf8proc_int32_t value) {
  switch (value) {
    case 0x2212:
      return '-';
    case 0xD7:
      return '*';
    case 0xF7:
      return '/';
    default:
      return value > 0 && value < 0x80 &&
                     std::string_view("+-*/=<>^%").find(static_cast<char>(value)) != std::string_view::npos
                 ? static_cast<char>(value)
                 : '\0';
  }
}

bool is_unspaced_script(utf8proc_int32_t value) {
  const auto in = [value](utf8proc_int32_t first, utf8proc_int32_t last) { return value >= first && value <= last; };
  return in(0x0E00, 0x0EFF) || in(0x1000, 0x109F) || in(0x1780, 0x17FF) || in(0x3040, 0x30FF) || in(0x3400, 0x4DBF) ||
         in(0x4E00, 0x9FFF) || in(0xF900, 0xFAFF) || in(0x20000, 0x2FA1F);
}

}  // namespace

std::string canonical_text(std::string_view text) {
  const std::string composed = is_ascii(text) ? std::string(text) : mapped(text, UTF8PROC_COMPOSE);
  std::string out;
  out.reserve(composed.size());
  bool gap = false;
  for (std::size_t i = 0; i < composed.size();) {
    const CodePoint point = code_point_at(composed, i);
    if (is_white(point.value)) {
      gap = true;
    } else {
      if (gap && !out.empty()) out.push_back(' ');
      gap = false;
      out.append(composed, i, point.length);
    }
    i += point.length;
  }
  return out;
}

std::string folded_text(std::string_view text) {
  const std::string source =
      is_ascii(text) ? std::string(text)
                     : mapped(text, UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  std::string out;
  out.reserve(source.size());
  bool gap = false;
  for (std::size_t i = 0; i < source.size();) {
    const CodePoint point = code_point_at(source, i);
    if (point.value == '_' || !is_word_point(point.value)) {
      gap = true;
    } else {
      if (gap && !out.empty()) out.push_back(' ');
      gap = false;
      if (point.value < 0x80) {
        char c = static_cast<char>(point.value);
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        out.push_back(c);
      } else {
        out.append(source, i, point.length);
      }
    }
    i += point.length;
  }
  return out;
}

std::string numberless_text(std::string_view folded) {
  std::string out;
  out.reserve(folded.size());
  bool in_number = false;
  for (std::size_t i = 0; i < folded.size();) {
    const CodePoint point = code_point_at(folded, i);
    if (is_digit(point.value)) {
      if (!in_number) out.push_back('0');
      in_number = true;
    } else if (!in_number || point.value != ' ' || !starts_with_digit(folded.substr(i + 1))) {
      out.append(folded, i, point.length);
      in_number = false;
    }
    i += point.length;
  }
  return out;
}

std::string number_signs(std::string_view text) {
  std::string signs;
  CodePoint before{' ', 1};           // the code point before this one
  utf8proc_int32_t last_written = 0;  // the last that is no space
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    const std::size_t next = i + point.length;
    const char sign = sign_of(point.value);
    const bool is_hyphen_inside = sign == '-' && is_word_point(before.value) && next < text.size() &&
                                  is_word_point(code_point_at(text, next).value);
    if (sign != 0 && !is_hyphen_inside) {
      const std::size_t after = std::min(text.find_first_not_of(' ', next), text.size());
      if (is_digit(last_written) || starts_with_digit(text.substr(after))) signs.push_back(sign);
    }
    if (!is_white(point.value)) last_written = point.value;
    before = point;
    i = next;
  }
  return signs;
}

bool has_digit(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); i += code_point_length(text, i)) {
    if (is_digit(code_point_at(text, i).value)) return true;
  }
  return false;
}

std::string lowered_text(std::string_view text) {
  const std::string composed = is_ascii(text) ? std::string(text) : mapped(text, UTF8PROC_COMPOSE);
  std::string out;
  out.reserve(composed.size());
  for (std::size_t i = 0; i < composed.size();) {
    const CodePoint point = code_point_at(composed, i);
    append_code_point(out, utf8proc_tolower(point.value));
    i += point.length;
  }
  return out;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  std::size_t i = 0;
  const auto close = [&] {
    if (i > begin) words.push_back(text.substr(begin, i - begin));
  };
  while (i < text.size()) {
    const CodePoint point = code_point_at(text, i);
    if (!is_word_point(point.value)) {
      close();
      i += point.length;
      begin = i;
    } else if (is_unspaced_script(point.value)) {
      close();
      words.push_back(text.substr(i, point.length));
      i += point.length;
      begin = i;
    } else {
      i += point.length;
    }
  }
  close();
  return words;
}

std::size_t code_point_length(std::string_view text, std::size_t position) {
  return code_point_at(text, position).length;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t longest_compared = 200;
  if (name.size() > longest_compared) return {};
  const std::string wanted = folded_text(name);
  const std::size_t allowed = std::max<std::size_t>(2, wanted.size() / 3);
  std::string best;
  std::size_t best_distance = allowed + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > longest_compared) continue;
    const std::string folded = folded_text(candidate);
    const std::size_t distance = edit_distance(wanted, folded);
    // Two edits turn any two-letter name into any other: at least one character must be common.
    if (distance >= std::max(wanted.size(), folded.size())) continue;
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string name_list(const std::vector<std::string>& names, std::size_t most) {
  std::string out;
  const std::size_t shown = names.size() <= most + 1 ? names.size() : most;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out += ", ";
    out += clipped(names[i], 60);
  }
  if (shown < names.size()) out += fmt::format(" and {} more", names.size() - shown);
  return out;
}

}  // namespace hone::data
