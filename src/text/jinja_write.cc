// How template values become text: Python's str() and repr(), and json.dumps().
#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "text/jinja_value.h"
#include "text/utf8.h"

namespace hone::text::jinja {
namespace {

constexpr Origin ours = Origin::from_template;

// Appends every code point of `text` as `write(code point, its bytes)` returns it, with its own origin.
template <class Write>
void append_mapped(MarkedText& out, const MarkedText& text, const Write& write) {
  for (const MarkedText::Stretch& stretch : text.stretches()) {
    const std::string_view bytes = std::string_view(text.text()).substr(stretch.begin, stretch.end - stretch.begin);
    std::string written;
    for (std::size_t i = 0; i < bytes.size();) {
      const CodePoint at = code_point_at(bytes, i);
      written += write(at, bytes.substr(i, at.length));
      i += at.length;
    }
    out.append(written, stretch.origin);
  }
}

// Python's str.isprintable for one code point.
bool is_shown(std::uint32_t code) {
  if (code == ' ') return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

std::string python_escape(const CodePoint& at, std::string_view bytes, char quote) {
  switch (at.code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\\':
      return "\\\\";
    default:
      break;
  }
  if (at.code == static_cast<unsigned char>(quote)) return std::string("\\") + quote;
  if (at.valid && is_shown(at.code)) return std::string(bytes);
  if (at.code < 0x100) return fmt::format("\\x{:02x}", at.code);
  return at.code < 0x10000 ? fmt::format("\\u{:04x}", at.code) : fmt::format("\\U{:08x}", at.code);
}

void append_repr(MarkedText& out, const Value& value);

void append_quoted(MarkedText& out, const MarkedText& text) {
  const bool doubled = text.text().find('\'') != std::string::npos && text.text().find('"') == std::string::npos;
  const char quote = doubled ? '"' : '\'';
  out.append(std::string_view(&quote, 1), ours);
  append_mapped(out, text,
                [&](const CodePoint& at, std::string_view bytes) { return python_escape(at, bytes, quote); });
  out.append(std::string_view(&quote, 1), ours);
}

void append_repr_of_sequence(MarkedText& out, const Sequence& sequence) {
  const bool tuple = sequence.kind == SequenceKind::tuple;
  out.append(tuple ? "(" : "[", ours);
  for (std::size_t i = 0; i < sequence.items.size(); ++i) {
    if (i > 0) out.append(", ", ours);
    append_repr(out, sequence.items[i]);
  }
  out.append(tuple ? (sequence.items.size() == 1 ? ",)" : ")") : "]", ours);
}

void append_repr(MarkedText& out, const Value& value) {
  if (value.text() != nullptr) {
    append_quoted(out, *value.text());
  } else if (value.sequence() != nullptr) {
    append_repr_of_sequence(out, *value.sequence());
  } else if (value.mapping() != nullptr) {
    out.append("{", ours);
    bool first = true;
    for (const auto& [key, item] : value.mapping()->items) {
      if (!std::exchange(first, false)) out.append(", ", ours);
      append_repr(out, key);
      out.append(": ", ours);
      append_repr(out, item);
    }
    out.append("}", ours);
  } else if (value.is_undefined()) {
    out.append("Undefined", ours);
  } else {
    out.append(to_text(value));
  }
}

std::string json_escape(const CodePoint& at, std::string_view bytes, const JsonStyle& style) {
  switch (at.code) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\f':
      return "\\f";
    case '\b':
      return "\\b";
    default:
      break;
  }
  if (at.code < 0x20) return fmt::format("\\u{:04x}", at.code);
  if (!style.ensure_ascii || (at.valid && at.code < 0x80)) return std::string(bytes);
  if (at.code < 0x10000) return fmt::format("\\u{:04x}", at.code);
  const std::uint32_t rest = at.code - 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
}

class JsonWriter {
 public:
  JsonWriter(MarkedText& out, const JsonStyle& style) : out_(out), style_(style) {}

  void write(const Value& value) {
    if (value.text() != nullptr) {
      write_string(*value.text());
    } else if (value.sequence() != nullptr) {
      write_items(value.sequence()->items, "[]", [&](const Value& item) { write(item); });
    } else if (value.mapping() != nullptr) {
      write_mapping(*value.mapping());
    } else {
      out_.append(scalar(value), ours);
    }
  }

 private:
  void write_string(const MarkedText& text) {
    out_.append("\"", ours);
    append_mapped(out_, text,
                  [&](const CodePoint& at, std::string_view bytes) { return json_escape(at, bytes, style_); });
    out_.append("\"", ours);
  }

  static std::string scalar(const Value& value) {
    if (value.is<None>()) return "null";
    if (const auto* flag = value.get<bool>()) return *flag ? "true" : "false";
    if (const auto* whole = value.get<std::int64_t>()) return std::to_string(*whole);
    if (const auto* number = value.get<double>()) {
      if (std::isnan(*number)) return "NaN";
      if (std::isinf(*number)) return *number > 0 ? "Infinity" : "-Infinity";
      return float_text(*number);
    }
    fail(ErrorCode::bad_input, "tojson cannot write {}", describe(value));
  }

  void write_mapping(const Mapping& mapping) {
    std::vector<std::pair<Value, Value>> items = mapping.items;
    if (style_.sort_keys) {
      std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return less(a.first, b.first); });
    }
    write_items(items, "{}", [&](const auto& item) {
      if (item.first.text() != nullptr) {
        write_string(*item.first.text());
      } else {
        out_.append("\"" + scalar(item.first) + "\"", ours);
      }
      out_.append(style_.key_separator, ours);
      write(item.second);
    });
  }

  template <class Items, class Write>
  void write_items(const Items& items, std::string_view brackets, const Write& write_one) {
    out_.append(brackets.substr(0, 1), ours);
    ++level_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.append(style_.item_separator, ours);
      start_line();
      write_one(items[i]);
    }
    --level_;
    if (!items.empty()) start_line();
    out_.append(brackets.substr(1), ours);
  }

  void start_line() {
    if (style_.indent < 0) return;
    out_.append("\n" + std::string(static_cast<std::size_t>(style_.indent * level_), ' '), ours);
  }

  MarkedText& out_;
  const JsonStyle& style_;
  int level_ = 0;
};

}  // namespace

std::string float_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  char digits[64];
  const double size = std::fabs(number);
  // Python switches to an exponent below 1e-4 and from 1e16 on.
  const bool plain = number == 0 || (size >= 1e-4 && size < 1e16);
  const auto end = std::to_chars(digits, digits + sizeof digits, number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(digits, end.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

MarkedText to_text(const Value& value) {
  if (value.text() != nullptr) return *value.text();
  if (value.is_undefined()) return {};
  if (value.is<None>()) return {"None", ours};
  if (const auto* flag = value.get<bool>()) return {*flag ? "True" : "False", ours};
  if (const auto* whole = value.get<std::int64_t>()) return {std::to_string(*whole), ours};
  if (const auto* number = value.get<double>()) return {float_text(*number), ours};
  if (value.sequence() == nullptr && value.mapping() == nullptr) {
    fail(ErrorCode::unsupported, "{} cannot be printed", describe(value));
  }
  MarkedText out;
  append_repr(out, value);
  return out;
}

MarkedText to_json_text(const Value& value, const JsonStyle& style) {
  MarkedText out;
  JsonWriter(out, style).write(value);
  return out;
}

}  // namespace hone::text::jinja
