// One case, and reading many of them.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "data/task.h"

namespace hone::data {

struct Row {
  std::string id;  // the id column, else SHA-256 (first 16 hex) of the canonical input plus an ordinal among equals
  std::string input;
  std::string output;  // label, text, or JSON text
  std::string rationale;
  std::string group;  // filled by the split where the data names none
  std::string source;
  std::string date{};    // as the file has it; see row_date.h
  std::size_t line = 0;  // in its file, from 1
  // Columns of these names, where the file has them.
  std::string labels_by{};  // who made the output: "people", "logs", "unknown", a model's name; empty: not said
  std::string made_from{};  // generated rows: the id of the row that they were made from
};

// Whether a model wrote the row: its source begins with "generated", or it was made from another.
bool is_generated(const Row& row);

std::vector<std::string> inputs_of(const std::vector<Row>& rows);

struct Rejected {
  std::size_t line = 0;
  std::string why;
  // malformed, not-utf8, nul, duplicate-key, ragged, missing-column, empty, too-long, unknown-label, wrong-type,
  // not-json, breaks-schema, no-answer, unsupported
  std::string reason;
  std::string file;  // its name without folders
  // breaks-schema: where in the output (a JSON pointer) and which keyword of the schema, where one was found.
  std::string pointer{}, keyword{};
};

struct Imported {
  std::vector<Row> rows;
  std::vector<Rejected> rejected;    // each with line and reason; never silently dropped
  std::vector<std::string> columns;  // met in the file, in that order
};

// Texts of this many bytes and more are refused: no model here reads them, and they are mostly a mistake in the file.
constexpr std::size_t too_long_bytes = 1'000'000;

// Reads a file in any form of file_format.h, told by its ending, by the task's columns. Fails whole only when the
// file can't be read, a named column is missing everywhere, or ids are duplicated (naming both lines).
Result<Imported> import_rows(const Path& file, const Task& task);

// "{file, sha256, rows}" facts for the manifest.
struct DataIdentity {
  std::string sha256;
  std::size_t rows = 0;
};
Result<DataIdentity> identify(const Path& file, const Imported& imported);

}  // namespace hone::data
