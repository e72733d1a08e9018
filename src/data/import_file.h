// A file of examples, whatever its form, written anew as rows that every command reads.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/raw_rows.h"
#include "data/row.h"

namespace hone::data {

struct ImportSpec {
  Path file;
  Path out;       // ROWS.jsonl; rejected rows go to ROWS.rejected.jsonl beside it
  ReadSpec read;  // format, sheet and progress
  // A column, or a template over several (column_template.h); empty: guessed from the names and the first rows.
  std::string input;
  // The column of the answer; several: one JSON object of them; empty: guessed.
  std::vector<std::string> outputs;
  // Not empty: the answer is several labels with this between them; it is written as a JSON array.
  std::string label_separator;
  std::string id;  // columns that are kept under these names where the file has them
  std::string group;
  std::string source;
  std::string rationale;
  std::string date;
  // Who made the answers: people, logs, unknown or the name of a model; for rows that have no column labels_by.
  std::string labels_by;
};

struct ImportReport {
  FileFormat format = FileFormat::jsonl;
  std::string input;
  std::vector<std::string> outputs;
  std::vector<std::string> notes;  // how the columns were guessed
  std::size_t rows = 0;
  std::size_t rejected = 0;
  std::map<std::string, std::size_t> reasons;  // of rejected rows, how many
  std::optional<Rejected> first_rejected;
  Path rejected_file;  // empty: none was rejected
  std::uint64_t bytes = 0;
  bool is_stopped = false;  // read.on_progress said so: nothing was written
};

// Writes one object a row: {"id", "input", "output", "rationale", "group", "source", "date", "labels_by"}, those that
// the row has. Ids that the data does not name are not made here: they follow from a row's input and its place among
// equals (row.h), which takes memory. Memory does not grow with the file. Errors: as read_raw_file(); no column for
// input or output; no usable row (then only the rejected ones are written).
Result<ImportReport> import_file(const ImportSpec& spec);

// ROWS.jsonl -> ROWS.rejected.jsonl
Path rejected_file_of(const Path& out);

}  // namespace hone::data
