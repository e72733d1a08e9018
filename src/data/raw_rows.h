// Rows of a JSONL, CSV or TSV file as named values, before a task says what they mean.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"

namespace hone::data {

enum class ValueType { null, text, number, flag, structure };
const char* name_of(ValueType type);

struct RawValue {
  ValueType type = ValueType::null;
  std::string text;  // of structures: compact JSON
};

struct RawRow {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::pair<std::string, RawValue>> values;
  std::string why;     // not empty: the row cannot be read, and why
  std::string reason;  // its short name, as Rejected::reason
  const RawValue* find(const std::string& name) const;
};

// Calls `on_row` for every row, readable or not, in file order. Returns the column names (CSV header; JSON keys in the
// order met). Errors: the file cannot be read, is of no known kind, is UTF-16 or has no header.
Result<std::vector<std::string>> read_raw_rows(const Path& file, const std::function<void(RawRow&&)>& on_row);

}  // namespace hone::data
