#include "base/fold.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/terminal.h"

namespace hone {
namespace {

// The end of the word that begins at `begin`: the next space or line break outside backticks.
std::size_t end_of_word(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && text[end] != ' ' && text[end] != '\n') {
    const std::size_t closing = text[end] == '`' ? text.find('`', end + 1) : std::string_view::npos;
    end = closing == std::string_view::npos ? end + 1 : closing + 1;
  }
  return end;
}

std::size_t code_points(std::string_view text) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_start));
}

}  // namespace

std::string folded_lines(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string out;
  std::size_t used = 0;  // columns of the line so far
  for (std::size_t begin = 0; begin < text.size();) {
    if (text[begin] == '\n' || text[begin] == ' ') {
      // Spaces stand before the next word, unless the line is broken there.
      const std::size_t word = std::min(text.find_first_not_of(' ', begin), text.size());
      const std::size_t width = word < text.size() ? code_points(text.substr(word, end_of_word(text, word) - word)) : 0;
      const bool is_break = text[begin] == '\n';
      if (!is_break && used + (word - begin) + width <= columns) {
        out.append(text.substr(begin, word - begin));
        used += word - begin;
      } else {
        out += '\n';
        if (!is_break) out.append(indent, ' ');
        used = is_break ? 0 : indent;
      }
      begin = is_break ? begin + 1 : word;
      continue;
    }
    const std::size_t end = end_of_word(text, begin);
    out.append(text.substr(begin, end - begin));
    used += code_points(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

void write_message(std::string_view message) {
  constexpr std::size_t page_columns = 80;
  const std::string head = "hone: ";
  std::string line = head + printable_lines(message);
  if (isatty(STDERR_FILENO) != 0) line = folded_lines(line, page_columns, head.size());
  std::fputs((line + "\n").c_str(), stderr);
}

}  // namespace hone
