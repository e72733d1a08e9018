#include "data/column_template.h"

#include <algorithm>

#include "base/terminal.h"

namespace hone::data {

Result<ColumnTemplate> ColumnTemplate::parse(std::string_view text) {
  ColumnTemplate parsed;
  if (text.find_first_of("{}") == std::string_view::npos) {
    parsed.is_one_column_ = true;
    parsed.columns_.emplace_back(text);
    return parsed;
  }
  std::string plain;
  const auto end_plain = [&] {
    if (!plain.empty()) parsed.pieces_.push_back({std::move(plain), false});
    plain.clear();
  };
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      plain += c;
      i += 2;
    } else if (c == '}') {
      return bad_input("the brace }} at position {} was never opened; write }}}} for a brace itself", i + 1);
    } else if (c == '{') {
      const std::size_t close = text.find_first_of("{}", i + 1);
      if (close == std::string_view::npos || text[close] == '{') {
        return bad_input("the brace {{ at position {} is never closed; write {{{{ for a brace itself", i + 1);
      }
      const std::string name(text.substr(i + 1, close - i - 1));
      if (name.empty()) return bad_input("no column name between the braces at position {}", i + 1);
      end_plain();
      parsed.pieces_.push_back({name, true});
      const auto known = std::find(parsed.columns_.begin(), parsed.columns_.end(), name);
      if (known == parsed.columns_.end()) parsed.columns_.push_back(name);
      i = close + 1;
    } else {
      plain += c;
      ++i;
    }
  }
  end_plain();
  if (parsed.columns_.empty()) return bad_input("\"{}\" names no column", printable(text));
  return parsed;
}

std::string ColumnTemplate::fill(const RawRow& row) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    const RawValue* value = piece.is_column ? row.find(piece.text) : nullptr;
    if (!piece.is_column) text += piece.text;
    if (value != nullptr) text += value->text;
  }
  constexpr const char* space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

}  // namespace hone::data
