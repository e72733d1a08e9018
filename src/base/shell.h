// Words of commands that are shown to be copied into a shell.
#pragma once

#include <string>

namespace hone {

// `text` as one word for a shell: as it is where that is safe, else in single quotes; with characters that terminals do
// not show as they are (line breaks, bytes that are not UTF-8) as $'...', which bash, zsh and POSIX 2024 read.
std::string shell_word(const std::string& text);

}  // namespace hone
