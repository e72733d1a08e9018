#include "data/raw_rows.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/terminal.h"
#include "data/csv.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

// Says why these bytes cannot hold a row, if so.
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

RawValue value_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return {ValueType::null, ""};
    case Json::value_t::string:
      return {ValueType::text, json.get<std::string>()};
    case Json::value_t::boolean:
      return {ValueType::flag, to_text(json)};
    case Json::value_t::object:
    case Json::value_t::array:
      return {ValueType::structure, to_text(json)};
    default:
      return {ValueType::number, to_text(json)};
  }
}

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

void parse_json_row(std::string_view text, RawRow& row) {
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
  for (const auto& [key, value] : json->items()) row.values.emplace_back(key, value_of(value));
}

std::vector<std::string> read_jsonl(std::string_view bytes, const std::function<void(RawRow&&)>& on_row) {
  std::vector<std::string> columns;
  std::set<std::string> known;
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string_view text = bytes.substr(begin, end - begin);
    begin = end + 1;
    ++line;
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    RawRow row;
    row.line = line;
    check_bytes(text, row);
    if (row.why.empty()) parse_json_row(text, row);
    for (const auto& [key, value] : row.values) {
      if (known.size() < 1000 && known.insert(key).second) columns.push_back(key);
    }
    on_row(std::move(row));
  }
  return columns;
}

Result<std::vector<std::string>> read_csv(std::string_view bytes, char delimiter, const std::string& name,
                                          const std::function<void(RawRow&&)>& on_row) {
  CsvReader reader(bytes, delimiter);
  const std::optional<CsvRecord> header = reader.next();
  if (!header) return bad_input("{}: empty; expected a first line with the column names", name);
  RawRow header_row;
  check_bytes(header->bytes, header_row);
  const std::string& why = header->problem.empty() ? header_row.why : header->problem;
  if (!why.empty()) return bad_input("{}:{}: the header line: {}", name, header->line, why);
  std::vector<std::string> columns;
  for (const std::string& field : header->fields) {
    const std::string column = canonical_text(field);
    if (!column.empty() && std::find(columns.begin(), columns.end(), column) != columns.end()) {
      return bad_input("{}:{}: two columns are named \"{}\"; rename one", name, header->line, printable(column));
    }
    columns.push_back(column);
  }
  while (std::optional<CsvRecord> record = reader.next()) {
    RawRow row;
    row.line = record->line;
    check_bytes(record->bytes, row);
    if (row.why.empty() && !record->problem.empty()) {
      row.reason = "malformed";
      row.why = record->problem;
    } else if (row.why.empty() && record->fields.size() != columns.size()) {
      row.reason = "ragged";
      row.why =
          fmt::format("{} fields, but the header names {}; a field that holds a \"{}\" needs quotes",
                      record->fields.size(), columns.size(), delimiter == '\t' ? "tab" : std::string(1, delimiter));
    } else if (row.why.empty()) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        row.values.emplace_back(columns[i], RawValue{ValueType::text, std::move(record->fields[i])});
      }
    }
    on_row(std::move(row));
  }
  return columns;
}

}  // namespace

const char* name_of(ValueType type) {
  switch (type) {
    case ValueType::null:
      return "null";
    case ValueType::text:
      return "a text";
    case ValueType::number:
      return "a number";
    case ValueType::flag:
      return "true or false";
    case ValueType::structure:
      return "an object or array";
  }
  HONE_CHECK(false);
}

const RawValue* RawRow::find(const std::string& name) const {
  const auto found = std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.first == name; });
  return found == values.end() ? nullptr : &found->second;
}

Result<std::vector<std::string>> read_raw_rows(const Path& file, const std::function<void(RawRow&&)>& on_row) {
  const std::string name = printable(file.string());
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool is_jsonl = ending == ".jsonl" || ending == ".ndjson";
  if (!is_jsonl && ending != ".csv" && ending != ".tsv") {
    return bad_input("{}: expected a file that ends in .jsonl (one JSON object a line), .csv or .tsv{}", name,
                     ending == ".xlsx" || ending == ".xls" ? "; save the sheet as CSV" : "");
  }
  const Result<MappedFile> mapped = MappedFile::open(file);
  if (!mapped) return tl::unexpected<Error>(mapped.error());
  std::string_view bytes = mapped->bytes();
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    return bad_input("{}: the file is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)", name);
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (!is_jsonl) return read_csv(bytes, ending == ".tsv" ? '\t' : guess_delimiter(bytes), name, on_row);
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && bytes[first] == '[') {
    return bad_input("{}: a JSON array; expected one JSON object a line: jq -c '.[]' OLD > NEW.jsonl", name);
  }
  return read_jsonl(bytes, on_row);
}

}  // namespace hone::data
