// Words of commands that are shown to be copied into a shell.
#pragma once

#include <string>

namespace hone {

// `text` as one word for a POSIX shell: as it is where that is safe, else in single quotes.
std::string shell_word(const std::string& text);

}  // namespace hone
