#include "report/width.h"

#include <utf8proc.h>

#include "base/error.h"
#include "base/terminal.h"

namespace hone::report {
namespace {

// The next code point of text[at...], its length, and its columns.
struct Glyph {
  std::size_t length = 1;
  std::size_t columns = 1;
};

Glyph glyph_at(std::string_view text, std::size_t at) {
  utf8proc_int32_t point = 0;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
  const utf8proc_ssize_t length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &point);
  if (length <= 0) return {};
  return {static_cast<std::size_t>(length), static_cast<std::size_t>(std::max(0, utf8proc_charwidth(point)))};
}

// How many bytes of text fit into `columns`.
std::size_t bytes_within(std::string_view text, std::size_t columns) {
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Glyph glyph = glyph_at(text, at);
    if (used + glyph.columns > columns) break;
    used += glyph.columns;
    at += glyph.length;
  }
  return at;
}

// The end of the word that begins at `begin`: the next space outside `backticks`, which hold a command to be copied.
std::size_t end_of_word(const std::string& text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && text[end] != ' ') {
    const std::size_t closing = text[end] == '`' ? text.find('`', end + 1) : std::string::npos;
    end = closing == std::string::npos ? end + 1 : closing + 1;
  }
  return end;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Glyph glyph = glyph_at(text, at);
    columns += glyph.columns;
    at += glyph.length;
  }
  return columns;
}

std::string fitted(std::string_view text, std::size_t columns) {
  const std::string shown = printable(text);
  if (display_width(shown) <= columns) return shown;
  const std::size_t room = columns > 3 ? columns - 3 : 0;
  return shown.substr(0, bytes_within(shown, room)) + std::string("...").substr(0, columns);
}

std::vector<std::string> broken(const std::string& text, std::size_t columns) {
  HONE_CHECK(columns >= 2);
  std::vector<std::string> lines;
  for (std::string line : wrapped(text, columns)) {
    for (std::size_t bytes = bytes_within(line, columns); bytes < line.size(); bytes = bytes_within(line, columns)) {
      lines.push_back(line.substr(0, bytes));
      line.erase(0, bytes);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = end_of_word(text, begin);
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    if (!line.empty() && display_width(line) + 1 + display_width(word) > columns) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

}  // namespace hone::report
