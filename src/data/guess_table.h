// What the columns of a file hold, and which of them are likely the input and the answer.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "data/raw_rows.h"

namespace hone::data {

constexpr std::size_t longest_label = 80;  // bytes

// What is known of a column after one pass over the file.
struct Column {
  std::string name;
  std::size_t filled = 0;
  std::size_t bytes = 0;
  std::size_t structures = 0;  // JSON objects or arrays, as values or as text
  std::size_t lists = 0;       // of these: arrays of texts only
  std::size_t longest = 0;
  std::unordered_map<std::string, std::size_t> counts;  // of distinct texts, in canonical form
  double mean_bytes() const { return filled == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(filled); }
};

struct Table {
  FileFormat format = FileFormat::jsonl;
  std::vector<Column> columns;  // in file order
  std::size_t rows = 0;
  std::size_t unreadable = 0;
  RawRow first_unreadable;
  const Column* find(const std::string& name) const;
  std::vector<std::string> names() const;
};

Result<Table> read_table(const Path& file, const ReadSpec& spec = {});

// The first of `wanted` that names a filled column, however it is cased; null: none.
const Column* named_column(const Table& table, std::initializer_list<const char*> wanted,
                           const Column* other_than = nullptr);

// Few short texts, each of them often.
bool looks_like_labels(const Column& column);

struct ColumnGuess {
  std::string input;  // a column, or a template over several; empty: none was found
  std::string output;
  std::string input_why;  // half a sentence each
  std::string output_why;
  const Column* input_column = nullptr;  // the main one of a template
  const Column* output_column = nullptr;
};
// Points into `table`.
ColumnGuess guess_columns(const Table& table);

}  // namespace hone::data
