#include "base/shell.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/error.h"
#include "base/terminal.h"

namespace hone {
namespace {

// $'...': what a terminal would not show as it is (line breaks, bytes that are no UTF-8) as octal escapes.
std::string escaped_word(const std::string& text) {
  std::string quoted = "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      quoted += fmt::format("\\{:03o}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace

std::string shell_word(const std::string& text) {
  const auto is_plain = [](char c) {
    return c != 0 && (std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("._-/+:,@%=", c) != nullptr);
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  if (printable(text) != text) return escaped_word(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace hone
