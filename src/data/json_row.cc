#include "data/json_row.h"

#include <set>

#include "base/json.h"
#include "base/terminal.h"

namespace hone::data {
namespace {

std::size_t count_members(const Json& json) {
  std::size_t count = json.is_object() ? json.size() : 0;
  if (json.is_structured()) {
    for (const Json& item : json) count += count_members(item);
  }
  return count;
}

std::size_t count_colons(std::string_view text) {
  std::size_t count = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && text[i] == ':') {
      ++count;
    }
  }
  return count;
}

// The first key that stands twice in one object; empty if none does. The parser keeps one of them silently.
std::string duplicate_key(std::string_view text, const Json& parsed) {
  if (count_colons(text) == count_members(parsed)) return {};
  std::string found;
  std::vector<std::set<std::string>> open;
  const Json::parser_callback_t watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second && found.empty()) {
      found = value.get<std::string>();
    }
    return true;
  };
  const Json again = Json::parse(text, watch, false);
  HONE_CHECK(!again.is_discarded());
  return found;
}

// A parser's message without the name of what was parsed, which is said beside it, and without its "line 1": a row is
// one line.
std::string without_place(std::string message) {
  if (message.starts_with(": ")) message.erase(0, 2);
  constexpr std::string_view first_line = "at line 1, column";
  if (const std::size_t at = message.find(first_line); at != std::string::npos) {
    message.replace(at, first_line.size(), "at column");
  }
  return message;
}

// Takes the members of one object as they come. Json itself keeps numbers as doubles where they are no 64-bit integers.
class RowReader : public nlohmann::json_sax<Json> {
 public:
  explicit RowReader(RawRow& row) : row_(row) {}

  bool null() override { return scalar(ValueType::null, depth_ == 1 ? "" : "null"); }
  bool boolean(bool value) override { return scalar(ValueType::flag, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return scalar(ValueType::number, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(ValueType::number, std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return scalar(ValueType::number, written); }
  bool string(string_t& value) override {
    return scalar(ValueType::text, depth_ == 1 ? std::move(value) : to_text(Json(value)));
  }
  bool binary(binary_t&) override { return false; }  // JSON text has none
  bool start_object(std::size_t) override { return open('{'); }
  bool end_object() override { return close('}'); }
  bool start_array(std::size_t) override { return open('['); }
  bool end_array() override { return close(']'); }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      name_ = std::move(name);
    } else {
      separate();
      text_ += to_text(Json(name)) + ":";
      is_first_ = true;
    }
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  // A value of the row itself, or a part of a structure, whose compact text is put together.
  bool scalar(ValueType type, std::string text) {
    if (depth_ == 1) {
      row_.values.emplace_back(name_, RawValue{type, std::move(text)});
    } else {
      separate();
      text_ += text;
    }
    return true;
  }
  bool open(char bracket) {
    if (depth_++ == 0) return true;
    if (depth_ == 2) {
      text_.clear();
    } else {
      separate();
    }
    text_ += bracket;
    is_first_ = true;
    return true;
  }
  bool close(char bracket) {
    if (--depth_ == 0) return true;
    text_ += bracket;
    is_first_ = false;
    if (depth_ == 1) row_.values.emplace_back(name_, RawValue{ValueType::structure, std::move(text_)});
    return true;
  }
  void separate() {
    if (!is_first_) text_ += ',';
    is_first_ = false;
  }

  RawRow& row_;
  int depth_ = 0;
  bool is_first_ = true;
  std::string name_;
  std::string text_;
};

void read_object(std::string_view text, RawRow& row) {
  const Result<Json> json = parse_json(text, {});
  if (!json) {
    row.reason = "malformed";
    row.why = without_place(json.error().message);
    return;
  }
  if (!json->is_object()) {
    row.reason = "malformed";
    row.why = fmt::format("expected a JSON object in braces, found {}", clipped(text, 40));
    return;
  }
  if (const std::string twice = duplicate_key(text, *json); !twice.empty()) {
    row.reason = "duplicate-key";
    row.why = fmt::format("the key \"{}\" stands there twice; which one holds?", clipped(twice, 60));
    return;
  }
  RowReader reader(row);
  HONE_CHECK(Json::sax_parse(text, &reader));
}

}  // namespace

void check_bytes(std::string_view bytes, RawRow& row) {
  std::size_t bad_at = 0;
  if (!is_utf8(bytes, &bad_at)) {
    row.reason = "not-utf8";
    row.why = fmt::format("not UTF-8: byte 0x{:02X} at position {} of the row; save the file as UTF-8",
                          static_cast<unsigned char>(bytes[bad_at]), bad_at + 1);
  } else if (bytes.find('\0') != std::string_view::npos) {
    row.reason = "nul";
    row.why = fmt::format("holds a NUL character (position {} of the row); remove it", bytes.find('\0') + 1);
  }
}

RawRow json_row(std::string_view text) {
  RawRow row;
  check_bytes(text, row);
  if (row.why.empty()) read_object(text, row);
  return row;
}

}  // namespace hone::data
