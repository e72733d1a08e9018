#include "base/terminal.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/fold.h"
#include "fmt/format.h"

namespace hone {
namespace {

struct Decoded {
  std::uint32_t code = 0;
  std::size_t length = 0;  // 0: not valid UTF-8 here
};

// One code point of strict UTF-8 (RFC 3629) at `i`.
Decoded decode_at(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return {first, 1};
  std::size_t length = 0;
  std::uint32_t code = 0;
  std::uint32_t least = 0;
  if (first >= 0xC2 && first < 0xE0) {
    length = 2, code = first & 0x1FU, least = 0x80;
  } else if (first >= 0xE0 && first < 0xF0) {
    length = 3, code = first & 0x0FU, least = 0x800;
  } else if (first >= 0xF0 && first < 0xF5) {
    length = 4, code = first & 0x07U, least = 0x10000;
  } else {
    return {};
  }
  if (i + length > text.size()) return {};
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0U) != 0x80U) return {};
    code = (code << 6) | (byte(i + k) & 0x3FU);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {};
  return {code, length};
}

// Bidirectional overrides and isolates, zero-width characters and separators can hide or reorder what is shown.
bool is_deceptive(std::uint32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 || code == 0xFEFF || code == 0x61C ||
         (code >= 0xE0000 && code <= 0xE007F);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Decoded at = decode_at(text, i);
    if (at.length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i++]));
      continue;
    }
    if (at.code == '\n') {
      out += "\\n";
    } else if (at.code == '\t') {
      out += "\\t";
    } else if (at.code < 0x20 || at.code == 0x7F) {
      out += fmt::format("\\x{:02x}", at.code);
    } else if ((at.code >= 0x80 && at.code < 0xA0) || is_deceptive(at.code)) {
      out += fmt::format("\\u{{{:04x}}}", at.code);
    } else {
      out.append(text.substr(i, at.length));
    }
    i += at.length;
  }
  return out;
}

std::string clipped(std::string_view text, std::size_t columns) {
  const std::string shown = printable(text);
  std::size_t used = 0;
  std::size_t fits = 0;  // bytes that leave room for the dots
  for (std::size_t i = 0; i < shown.size();) {
    const Decoded at = decode_at(shown, i);
    if (used + 3 <= columns) fits = i;
    ++used;
    i += at.length == 0 ? 1 : at.length;
  }
  if (used <= columns) return shown;
  return shown.substr(0, fits) + "...";
}

bool colours_wanted(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  return ::isatty(descriptor) != 0 && (refused == nullptr || *refused == '\0');
}

bool is_utf8(std::string_view text, std::size_t* bad_at) {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  for (std::size_t i = 0; i < text.size();) {
    // Eight bytes of ASCII at once: most text is.
    std::uint64_t eight = 0;
    if (i + sizeof eight <= text.size()) {
      std::memcpy(&eight, text.data() + i, sizeof eight);
      if ((eight & high_bits) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    const Decoded at = decode_at(text, i);
    if (at.length == 0) {
      if (bad_at != nullptr) *bad_at = i;
      return false;
    }
    i += at.length;
  }
  return true;
}

std::string printable_lines(std::string_view text) {
  std::string shown;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (begin > 0) shown += '\n';
    shown += printable(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return shown;
}

void warn(std::string_view message) { write_message(fmt::format("warning: {}", message)); }

}  // namespace hone
