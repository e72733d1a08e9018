#include "data/raw_rows.h"

#include <algorithm>
#include <set>

#include "base/terminal.h"
#include "data/csv.h"
#include "data/json_row.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

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
    RawRow row = json_row(text);
    row.line = line;
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
