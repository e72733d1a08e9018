#include "text/normalizer.h"

#include <algorithm>

#include "text/letter_pairs.h"
#include "text/utf8.h"

namespace hone::text {
namespace {

// Below U+0300 (first byte 0xCC) a character neither composes with the one before it nor is changed itself.
bool may_compose(char first_byte) { return static_cast<unsigned char>(first_byte) >= 0xCC; }

std::string composed(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t valid = valid_utf8_prefix(text);
    out += nfc(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

// Each run of characters that may compose, with the one before it, is composed on its own.
MarkedText composed(const MarkedText& text) {
  const std::string& bytes = text.text();
  MarkedText out;
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::size_t end = begin + code_point_at(bytes, begin).length;
    while (end < bytes.size() && may_compose(bytes[end])) end += code_point_at(bytes, end).length;
    const std::string made = composed(std::string_view(bytes).substr(begin, end - begin));
    if (made == std::string_view(bytes).substr(begin, end - begin)) {
      out.append(text.slice(begin, end));
    } else {
      out.append(made, text.common_origin(begin, end));
    }
    begin = end;
  }
  return out;
}

MarkedText with_spaces_for_marks(const MarkedText& text) {
  MarkedText out;
  std::size_t done = 0;
  for (std::size_t at = 0; (at = text.text().find(space_mark, at)) != std::string::npos;) {
    out.append(text.slice(done, at));
    out.append(" ", text.common_origin(at, at + space_mark.size()));
    at += space_mark.size();
    done = at;
  }
  out.append(text.slice(done, text.size()));
  return out;
}

}  // namespace

std::string with_spaces_for_marks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;
  for (std::size_t at = 0; (at = text.find(space_mark, at)) != std::string::npos;) {
    out.append(text.substr(done, at - done)).append(" ");
    at += space_mark.size();
    done = at;
  }
  out.append(text.substr(done));
  return out;
}

std::string_view Normalizer::apply(std::string_view text, std::string& buffer) const {
  if (composes && std::any_of(text.begin(), text.end(), may_compose)) text = buffer = composed(text);
  if (reads_marks && text.find(space_mark) != std::string_view::npos) text = buffer = with_spaces_for_marks(text);
  if (!prepends || text.empty()) return text;
  std::string prefixed(" ");
  prefixed.append(text);
  return buffer = std::move(prefixed);
}

MarkedText Normalizer::apply(const MarkedText& text) const {
  MarkedText out = composes ? composed(text) : text;
  if (reads_marks) out = with_spaces_for_marks(out);
  if (!prepends || out.size() == 0) return out;
  MarkedText prefixed(" ", Origin::from_template);
  prefixed.append(out);
  return prefixed;
}

}  // namespace hone::text
