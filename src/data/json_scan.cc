#include "data/json_scan.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/json.h"

namespace hone::data {
namespace {

constexpr int max_depth = 512;

// A byte that ends a run of plain text inside a string.
bool is_special(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

void append_utf8(unsigned code, std::string& out) {
  const auto add = [&out](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0U | code >> 6);
    add(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    add(0xE0U | code >> 12);
    add(0x80U | (code >> 6 & 0x3FU));
    add(0x80U | (code & 0x3FU));
  } else {
    add(0xF0U | code >> 18);
    add(0x80U | (code >> 12 & 0x3FU));
    add(0x80U | (code >> 6 & 0x3FU));
    add(0x80U | (code & 0x3FU));
  }
}

}  // namespace

void JsonScan::skip_space() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
}

bool JsonScan::take(char c) {
  skip_space();
  if (at_ == end_ || *at_ != c) return false;
  ++at_;
  return true;
}

bool JsonScan::take(std::string_view word) {
  if (static_cast<std::size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word) return false;
  at_ += word.size();
  return true;
}

bool JsonScan::is_at_end() {
  skip_space();
  return at_ == end_;
}

bool JsonScan::object(RawRow& row) {
  if (!take('{')) return false;
  ++depth_;
  if (!take('}')) {
    do {
      skip_space();
      auto& [name, member] = row.values.emplace_back();
      if (!string(name) || !take(':') || !value(member)) return false;
      keys_.push_back(name);
    } while (take(','));
    if (!take('}')) return false;
  }
  --depth_;
  return are_unique(0);
}

bool JsonScan::value(RawValue& value) {
  skip_space();
  if (at_ == end_) return false;
  switch (*at_) {
    case '"':
      value.type = ValueType::text;
      return string(value.text);
    case '{':
    case '[':
      value.type = ValueType::structure;
      return compact(value.text);
    case 'n':
      value.type = ValueType::null;
      return take("null");
    case 't':
    case 'f':
      value.type = ValueType::flag;
      value.text = *at_ == 't' ? "true" : "false";
      return take(std::string_view(value.text));
    default: {
      std::string_view written;
      if (!number(written)) return false;
      value.type = ValueType::number;
      value.text = written;
      return true;
    }
  }
}

bool JsonScan::string(std::string& out) {
  if (at_ == end_ || *at_ != '"') return false;
  ++at_;
  while (true) {
    const char* run = at_;
    while (at_ != end_ && !is_special(*at_)) ++at_;
    out.append(run, at_);
    if (at_ == end_) return false;
    if (*at_ == '"') {
      ++at_;
      return true;
    }
    if (*at_ != '\\' || !escape(out)) return false;
  }
}

// At a backslash.
bool JsonScan::escape(std::string& out) {
  ++at_;
  if (at_ == end_) return false;
  constexpr std::string_view written = "\"\\/bfnrt";
  constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
  const char c = *at_++;
  if (const std::size_t known = written.find(c); known != std::string_view::npos) {
    out += meant[known];
    return true;
  }
  unsigned code = 0;
  if (c != 'u' || !four_hex_digits(code)) return false;
  if (code >= 0xDC00 && code < 0xE000) return false;
  if (code >= 0xD800 && code < 0xDC00) {
    unsigned low = 0;
    if (!take("\\u") || !four_hex_digits(low) || low < 0xDC00 || low >= 0xE000) return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(code, out);
  return true;
}

bool JsonScan::four_hex_digits(unsigned& code) {
  if (end_ - at_ < 4) return false;
  for (int i = 0; i < 4; ++i) {
    const char c = *at_++;
    const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                           : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                                  : 16U;
    if (digit == 16U) return false;
    code = code << 4 | digit;
  }
  return true;
}

bool JsonScan::digits() {
  const char* first = at_;
  while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  return at_ != first;
}

bool JsonScan::number(std::string_view& written) {
  const char* first = at_;
  if (at_ != end_ && *at_ == '-') ++at_;
  const bool leads_with_zero = at_ != end_ && *at_ == '0';
  const char* whole = at_;
  if (!digits() || (leads_with_zero && at_ - whole > 1)) return false;
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    if (!digits()) return false;
  }
  bool has_exponent = false;
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    has_exponent = true;
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits()) return false;
  }
  written = {first, static_cast<std::size_t>(at_ - first)};
  // What no double holds is no number to any other reader of JSON.
  constexpr std::size_t always_finite = 300;
  if (!has_exponent && written.size() < always_finite) return true;
  return std::isfinite(std::strtod(std::string(written).c_str(), nullptr));
}

bool JsonScan::compact(std::string& out) {
  if (at_ == end_) return false;
  std::string_view written;
  switch (*at_) {
    case '"':
      return compact_string(out);
    case '{':
    case '[': {
      if (++depth_ > max_depth) {
        is_too_deep_ = true;
        return false;
      }
      const bool is_whole = *at_ == '{' ? compact_members(out) : compact_items(out);
      --depth_;
      return is_whole;
    }
    case 'n':
      out += "null";
      return take("null");
    case 't':
      out += "true";
      return take("true");
    case 'f':
      out += "false";
      return take("false");
    default:
      if (!number(written)) return false;
      out += written;
      return true;
  }
}

// A string without an escape is written as it stands.
bool JsonScan::compact_string(std::string& out) {
  const char* first = at_;
  if (at_ == end_ || *at_ != '"') return false;
  const char* stop = at_ + 1;
  while (stop != end_ && !is_special(*stop)) ++stop;
  if (stop != end_ && *stop == '"') {
    at_ = stop + 1;
    out.append(first, at_);
    return true;
  }
  std::string text;
  if (!string(text)) return false;
  out += to_text(Json(text));
  return true;
}

bool JsonScan::compact_members(std::string& out) {
  ++at_;
  out += '{';
  if (!take('}')) {
    const std::size_t first = keys_.size();
    do {
      skip_space();
      const char* begin = at_;
      if (!string(keys_.emplace_back())) return false;
      at_ = begin;
      if (!compact_string(out) || !take(':')) return false;
      out += ':';
      skip_space();
      if (!compact(out)) return false;
      out += ',';
    } while (take(','));
    if (!take('}') || !are_unique(first)) return false;
    out.pop_back();
  }
  out += '}';
  return true;
}

bool JsonScan::compact_items(std::string& out) {
  ++at_;
  out += '[';
  if (!take(']')) {
    do {
      skip_space();
      if (!compact(out)) return false;
      out += ',';
    } while (take(','));
    if (!take(']')) return false;
    out.pop_back();
  }
  out += ']';
  return true;
}

// Looks at the keys from `first` on and takes them off.
bool JsonScan::are_unique(std::size_t first) {
  const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, keys_.end());
  const auto twice = std::adjacent_find(begin, keys_.end());
  if (twice != keys_.end()) {
    if (duplicate_.empty()) duplicate_ = *twice;
    return false;
  }
  keys_.erase(begin, keys_.end());
  return true;
}

}  // namespace hone::data
