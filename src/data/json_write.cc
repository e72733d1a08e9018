#include "data/json_write.h"

#include "base/json.h"
#include "base/terminal.h"

namespace hone::data {

void append_json_string(std::string_view text, std::string& out) {
  if (!is_utf8(text)) {
    out += to_text(Json(std::string(text)));
    return;
  }
  out += '"';
  std::size_t run = 0;  // where what is not written yet begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) continue;
    out += text.substr(run, i - run);
    run = i + 1;
    constexpr std::string_view plain = "\"\\\b\f\n\r\t";
    constexpr std::string_view letters = "\"\\bfnrt";
    if (const std::size_t known = plain.find(c); known != std::string_view::npos) {
      out += '\\';
      out += letters[known];
    } else {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    }
  }
  out += text.substr(run);
  out += '"';
}

}  // namespace hone::data
