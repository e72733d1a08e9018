// Text for terminals: outside text is shown with its control characters escaped, colours only on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace hone {

// Control characters (C0, C1, DEL, bidi overrides) as \xNN or \u{NNNN}; newline and tab as \n and \t. Invalid UTF-8
// bytes as \xNN. So no outside text can move the cursor or hide what follows.
std::string printable(std::string_view text);

// printable() of each line; line breaks stay.
std::string printable_lines(std::string_view text);

// At most `columns` columns of `printable(text)`, with "..." at the end where something was cut.
std::string clipped(std::string_view text, std::size_t columns);

// True where `descriptor` (1 stdout, 2 stderr) is a terminal and NO_COLOR is not set.
bool colours_wanted(int descriptor);

// True if `text` is valid UTF-8 (no overlong forms, no surrogates). On false `bad_at` is the first bad byte.
bool is_utf8(std::string_view text, std::size_t* bad_at = nullptr);

// To stderr, "hone: warning: ...", made printable; for notices that do not end the operation.
void warn(std::string_view message);

}  // namespace hone
