#include "data/json_row.h"

#include "base/json.h"
#include "base/terminal.h"
#include "data/json_scan.h"

namespace hone::data {
namespace {

// Takes a parser's message and nothing else, so that a long row costs no tree of values.
class FirstError : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool key(string_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    message = error.what();
    return false;
  }
  std::string message;
};

// A parser's message without its bracketed id and without its "line 1": a row is one line.
std::string without_place(std::string message) {
  if (const auto close = message.find("] "); message.starts_with('[') && close != std::string::npos) {
    message.erase(0, close + 2);
  }
  constexpr std::string_view first_line = "at line 1, column";
  if (const std::size_t at = message.find(first_line); at != std::string::npos) {
    message.replace(at, first_line.size(), "at column");
  }
  return clipped(message, 200);
}

void explain(std::string_view text, const JsonScan& scan, RawRow& row) {
  row.values.clear();
  row.reason = "malformed";
  if (scan.is_too_deep()) {
    row.why = "JSON nested deeper than 512 levels";
    return;
  }
  if (!scan.duplicate().empty()) {
    row.reason = "duplicate-key";
    row.why = fmt::format("the key \"{}\" stands there twice; which one holds?", clipped(scan.duplicate(), 60));
    return;
  }
  FirstError reader;
  if (!Json::sax_parse(text, &reader)) {
    row.why = "not valid JSON: " + without_place(reader.message);
    return;
  }
  row.why = fmt::format("expected a JSON object in braces, found {}", clipped(text, 40));
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
  if (!row.why.empty()) return row;
  JsonScan scan(text);
  if (scan.object(row) && scan.is_at_end()) return row;
  JsonScan whole(text);  // what is no object may still be nested too deep
  RawValue ignored;
  const bool is_object = text.find_first_not_of(" \t\r\n") == text.find('{');
  explain(text, is_object || whole.value(ignored) ? scan : whole, row);
  return row;
}

RawValue json_value(std::string_view text, RawRow& row) {
  RawValue value;
  check_bytes(text, row);
  if (!row.why.empty()) return value;
  JsonScan scan(text);
  if (!scan.value(value) || !scan.is_at_end()) explain(text, scan, row);
  return value;
}

}  // namespace hone::data
