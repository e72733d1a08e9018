// Text in columns: how wide it shows on a terminal, clipping and wrapping.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

// Columns of UTF-8 text: wide East Asian characters and emoji take two, combining marks none.
std::size_t display_width(std::string_view text);
// At most `columns` columns of printable(text), ending in "..." where something was cut.
std::string fitted(std::string_view text, std::size_t columns);
// Lines of at most `columns`, broken at spaces. A longer word stays whole, and so does a command in `backticks`.
std::vector<std::string> wrapped(const std::string& text, std::size_t columns);
// The same, but words that are longer than `columns` (at least 2) are broken.
std::vector<std::string> broken(const std::string& text, std::size_t columns);

}  // namespace hone::report
