// Rows of a file of examples as named values, before a task says what they mean.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "data/file_format.h"

namespace hone::data {

enum class ValueType { null, text, number, flag, structure };
const char* name_of(ValueType type);

struct RawValue {
  ValueType type = ValueType::null;
  std::string text;  // of structures: compact JSON
};

struct RawRow {
  std::size_t line = 0;  // where it begins, from 1; in a spreadsheet the row
  std::vector<std::pair<std::string, RawValue>> values;
  std::string why{};         // not empty: the row cannot be read, and why
  std::string reason{};      // its short name, as Rejected::reason
  std::string_view bytes{};  // as in the file, while the row is handed over; empty where it is not text
  const RawValue* find(const std::string& name) const;
  void reject(std::string short_reason, std::string sentence);
};

struct ReadSpec {
  std::optional<FileFormat> format{};  // default: guess_format()
  std::string sheet{};                 // XLSX only; default: the first
  std::size_t most_rows = std::numeric_limits<std::size_t>::max();
  // Told the bytes read so far, every few MiB; false ends the reading.
  std::function<bool(std::uint64_t)> on_progress{};
};

struct RawFile {
  FileFormat format = FileFormat::jsonl;  // as given, or as found: chat forms by their keys
  std::vector<std::string> columns;       // CSV header; JSON keys in the order met
  std::uint64_t bytes = 0;                // of the file
  std::vector<std::string> notes;         // what was not read of it, for instance
};

using OnRow = std::function<void(RawRow&&)>;

// Calls `on_row` for every row, readable or not, in file order, in memory that does not grow with the file. Chat forms
// come as the columns that chat_row.h names. Errors: the file cannot be read, is of no known kind, is UTF-16 or has no
// header.
Result<RawFile> read_raw_file(const Path& file, const ReadSpec& spec, const OnRow& on_row);

// The same for a whole file of whatever kind; only its columns.
Result<std::vector<std::string>> read_raw_rows(const Path& file, const OnRow& on_row);

}  // namespace hone::data
