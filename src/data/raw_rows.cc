#include "data/raw_rows.h"

#include <algorithm>
#include <set>

#include "base/map_pages.h"
#include "base/terminal.h"
#include "data/chat_row.h"
#include "data/csv.h"
#include "data/json_row.h"
#include "data/line_reader.h"
#include "data/normal_text.h"
#include "data/row_sink.h"

namespace hone::data {
namespace {

constexpr std::size_t most_columns = 16'384;  // as many as a spreadsheet has
constexpr std::size_t forget_every = std::size_t{16} << 20;

Result<std::vector<std::string>> columns_of(const CsvRecord& header, const std::string& name) {
  RawRow row;
  check_bytes(header.bytes, row);
  const std::string& why = row.why.empty() ? header.problem : row.why;
  if (!why.empty()) return bad_input("{}:{}: the header line: {}", name, header.line, why);
  if (header.fields.size() > most_columns) {
    return bad_input("{}:{}: the header names {} columns; at most {} are read", name, header.line, header.fields.size(),
                     most_columns);
  }
  std::vector<std::string> columns;
  std::set<std::string> seen;
  for (const std::string& field : header.fields) {
    const std::string column = canonical_text(field);
    if (!column.empty() && !seen.insert(column).second) {
      return bad_input("{}:{}: two columns are named \"{}\"; rename one", name, header.line, printable(column));
    }
    columns.push_back(column);
  }
  return columns;
}

RawRow csv_row(CsvRecord&& record, const std::vector<std::string>& columns, char delimiter) {
  RawRow row;
  row.line = record.line;
  row.bytes = record.bytes;
  check_bytes(record.bytes.substr(0, longest_line), row);
  if (!row.why.empty()) return row;
  if (!record.problem.empty()) {
    row.reject("malformed", record.problem);
  } else if (record.fields.size() != columns.size()) {
    row.reject("ragged", fmt::format("{} fields, but the header names {}; a field that holds a \"{}\" needs quotes",
                                     record.fields.size(), columns.size(),
                                     delimiter == '\t' ? "tab" : std::string(1, delimiter)));
  } else {
    row.values.reserve(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      row.values.emplace_back(columns[i], RawValue{ValueType::text, std::move(record.fields[i])});
    }
  }
  return row;
}

Result<void> read_mapped(const Path& path, FileFormat format, const NamedBytes& file, RowSink& sink) {
  switch (format) {
    case FileFormat::csv:
    case FileFormat::tsv: {
      constexpr std::size_t head = std::size_t{1} << 20;
      return read_csv(file, format == FileFormat::tsv ? '\t' : guess_delimiter(file.bytes.substr(0, head)), sink);
    }
    case FileFormat::json:
      return read_json(file, sink);
    case FileFormat::jsonl:
      return read_jsonl(file, sink);
    case FileFormat::promptfoo:
      return read_promptfoo(file, sink);
    case FileFormat::lm_eval:
      return read_lm_eval(path, file, sink);
    default:
      // A form of keys: one object a line, or all in one document.
      return ending_of(path) == ".json" ? read_json(file, sink) : read_jsonl(file, sink);
  }
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

void RawRow::reject(std::string short_reason, std::string sentence) {
  reason = std::move(short_reason);
  why = std::move(sentence);
}

bool RowSink::take(RawRow&& row) {
  if (const std::optional<FileFormat> shape = unfold_conversation(row)) shape_ = shape;
  note_columns(row);
  on_row_(std::move(row));
  return ++rows_ < spec_.most_rows;
}

void RowSink::note_columns(const RawRow& row) {
  constexpr std::size_t most_keys = 1000;
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    const std::string& name = row.values[i].first;
    if (i < columns_.size() && columns_[i] == name) continue;  // as in the rows before
    if (known_.empty()) known_.insert(columns_.begin(), columns_.end());
    if (known_.size() < most_keys && known_.insert(name).second) columns_.push_back(name);
  }
}

bool RowSink::passed(std::string_view file, std::size_t offset) {
  if (offset < forgotten_ + forget_every) return true;
  forget_pages(file.substr(forgotten_, offset - forgotten_));
  forgotten_ = offset;
  return !spec_.on_progress || spec_.on_progress(offset);
}

Result<void> read_jsonl(const NamedBytes& file, RowSink& sink) {
  const std::size_t first = file.bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && file.bytes[first] == '[') {
    return bad_input(
        "{}: a JSON array; expected one JSON object a line: name the file .json, or jq -c '.[]' OLD > NEW.jsonl",
        file.name);
  }
  LineReader lines(file.bytes);
  while (const auto line = lines.next()) {
    if (line->text.size() <= longest_line && line->text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    RawRow row;
    if (line->text.size() > longest_line) {
      row.reject("too-long", fmt::format("the line is {} bytes long; lines of over {} are refused", line->text.size(),
                                         longest_line));
    } else {
      row = json_row(line->text);
    }
    row.line = line->number;
    row.bytes = line->text;
    if (!sink.take(std::move(row)) || !sink.passed(file.bytes, lines.at())) break;
  }
  return {};
}

Result<void> read_csv(const NamedBytes& file, char delimiter, RowSink& sink) {
  CsvReader reader(file.bytes, delimiter);
  const std::optional<CsvRecord> header = reader.next();
  if (!header) return bad_input("{}: empty; expected a first line with the column names", file.name);
  const Result<std::vector<std::string>> columns = columns_of(*header, file.name);
  if (!columns) return tl::unexpected<Error>(columns.error());
  sink.set_columns(*columns);
  while (std::optional<CsvRecord> record = reader.next()) {
    if (!sink.take(csv_row(std::move(*record), *columns, delimiter)) || !sink.passed(file.bytes, reader.at())) break;
  }
  return {};
}

Result<RawFile> read_raw_file(const Path& path, const ReadSpec& spec, const OnRow& on_row) {
  NamedBytes file{{}, printable(path.string())};
  if (const auto known = guess_format(path, {}); !known && !spec.format) return tl::unexpected<Error>(known.error());
  const Result<MappedFile> mapped = MappedFile::open(path);
  if (!mapped) return tl::unexpected<Error>(mapped.error());
  file.bytes = mapped->bytes();
  const Result<FileFormat> format = spec.format ? *spec.format : guess_format(path, file.bytes);
  if (!format) return tl::unexpected<Error>(format.error());
  RowSink sink(spec, on_row);
  Result<void> read;
  if (*format == FileFormat::xlsx) {
    read = read_xlsx(path, spec.sheet, sink);
  } else {
    if (file.bytes.starts_with("\xFF\xFE") || file.bytes.starts_with("\xFE\xFF")) {
      return bad_input("{}: the file is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)", file.name);
    }
    if (file.bytes.starts_with("\xEF\xBB\xBF")) file.bytes.remove_prefix(3);
    read = read_mapped(path, *format, file, sink);
  }
  if (!read) return tl::unexpected<Error>(read.error());
  return RawFile{sink.shape().value_or(*format), sink.columns(), mapped->bytes().size(), sink.notes()};
}

Result<std::vector<std::string>> read_raw_rows(const Path& file, const OnRow& on_row) {
  Result<RawFile> read = read_raw_file(file, {}, on_row);
  if (!read) return tl::unexpected<Error>(read.error());
  return std::move(read->columns);
}

}  // namespace hone::data
