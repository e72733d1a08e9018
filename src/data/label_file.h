// The file that a person's labels go to: rows that every command reads.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"

namespace hone::data {

struct PersonLabel {
  std::string input;
  std::string output;  // empty: not sure
  std::string labels_by;
  std::string labelled_on;  // a date; not the row's own, by which rows may be split
  double seconds = 0;       // from the row being shown to its answer; 0: not known
};

// A line a row: {input, output, labels_by, labelled_on, seconds}; rows that a person was not sure about stand in a file
// beside it, so that no other command takes them for damaged. Nothing where the files are not there; an error names the
// line.
Result<std::vector<PersonLabel>> read_labels(const Path& file);
// ROWS.jsonl -> ROWS.unsure.jsonl
Path unsure_file_of(const Path& file);
// Written aside, flushed to the disk and renamed.
void write_labels(const Path& file, const std::vector<PersonLabel>& labels);

// The inputs of a file of rows without answers, in any form that import reads: `input` is a column or a template, empty
// for the usual names ("input", "text", ...; else the longest texts). Rows without a text are left out; a text that
// stands there twice comes once. An error: no such column, or no row.
Result<std::vector<std::string>> unlabelled_inputs(const Path& file, const std::string& input);

}  // namespace hone::data
