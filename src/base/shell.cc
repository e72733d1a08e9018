#include "base/shell.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace hone {

std::string shell_word(const std::string& text) {
  const auto is_plain = [](char c) {
    return c != 0 && (std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("._-/+:,@%=", c) != nullptr);
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace hone
