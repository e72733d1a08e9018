// Messages broken at spaces for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace hone {

// `text`, which is printable UTF-8, with line breaks put where a line would be longer than `columns` code points; lines
// after the first are set in by `indent` spaces. Words in `backticks` are commands to be copied and stay whole, as does
// a word that is longer than a line.
std::string folded_lines(std::string_view text, std::size_t columns, std::size_t indent);

// Writes "hone: " and `message` to stderr, made printable; folded to 80 columns where stderr is a terminal, as it is
// where a program reads it.
void write_message(std::string_view message);

}  // namespace hone
