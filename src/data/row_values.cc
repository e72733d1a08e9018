#include "data/row_values.h"

#include <algorithm>

#include "base/terminal.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

// A text's bounds, whichever column it stands in. NUL may come from a JSON escape, so it is looked for here again.
Checked checked_text(const std::string& column, std::string text) {
  if (is_blank(text)) return reject("empty", fmt::format("empty: \"{}\" holds no text", printable(column)));
  if (text.size() >= too_long_bytes) {
    return reject("too-long", fmt::format("\"{}\" is {} bytes long; texts of {} bytes and more are refused; shorten it",
                                          printable(column), text.size(), too_long_bytes));
  }
  if (text.find('\0') != std::string::npos) {
    return reject("nul", fmt::format("\"{}\" holds a NUL character; remove it", printable(column)));
  }
  return text;
}

}  // namespace

tl::unexpected<Rejected> reject(std::string reason, std::string why) {
  return tl::unexpected<Rejected>(Rejected{0, std::move(why), std::move(reason), {}});
}

bool is_blank(std::string_view text) {
  // Any visible ASCII character settles it.
  const bool is_filled = std::any_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  return !is_filled && canonical_text(text).empty();
}

Checked column_text(const RawRow& row, const std::string& name) {
  const RawValue* value = row.find(name);
  if (value == nullptr) return reject("missing-column", fmt::format("\"{}\" is missing", printable(name)));
  if (value->type == ValueType::null) return reject("empty", fmt::format("empty: \"{}\" is null", printable(name)));
  return checked_text(name, value->text);
}

Checked template_text(const RawRow& row, const ColumnTemplate& columns) {
  if (columns.is_one_column()) return column_text(row, columns.columns().front());
  bool is_any_filled = false;
  std::string names;
  for (const std::string& name : columns.columns()) {
    is_any_filled = is_any_filled || !optional_text(row, name).empty();
    names += (names.empty() ? "" : ", ") + name;
  }
  if (!is_any_filled) return reject("empty", fmt::format("empty: none of {} holds a text", printable(names)));
  return checked_text(names, columns.fill(row));
}

std::string optional_text(const RawRow& row, const std::string& name) {
  const RawValue* value = name.empty() ? nullptr : row.find(name);
  return value == nullptr || is_blank(value->text) ? std::string() : value->text;
}

}  // namespace hone::data
