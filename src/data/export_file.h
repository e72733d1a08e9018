// Rows written in the forms that other programs read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/raw_rows.h"
#include "data/row.h"

namespace hone::data {

struct ExportSpec {
  Path file;  // in any form that read_raw_file() reads
  Path out;
  FileFormat format = FileFormat::jsonl;
  ReadSpec read;
  std::string input =
      "input";  // a column, or a template over several; for the chat forms, Alpaca and prompt/completion
  std::string output = "output";
  std::string system;  // what the chat forms begin with, and Alpaca has as instruction; empty: nothing
};

struct ExportReport {
  std::size_t rows = 0;
  std::size_t left_out = 0;
  std::optional<Rejected> first_left_out;
  std::size_t escaped = 0;  // fields of CSV or TSV that a spreadsheet would have taken for formulas
  bool is_stopped = false;  // read.on_progress said so: nothing was written
};

// CSV, TSV, JSONL, JSON and XLSX get every column of the file as it is; OpenAI chat, ShareGPT, Alpaca and
// prompt/completion get one case a row. Written aside, then renamed; memory does not grow with the file. In CSV and TSV
// a text that begins as a formula does (=, +, -, @, a tab or a carriage return; numbers do not) gets a ' before it; in
// XLSX texts are texts. Errors: as read_raw_file(); promptfoo and lm-eval, which are not written; no row to write.
Result<ExportReport> export_file(const ExportSpec& spec);

// Whether a spreadsheet program would run this text.
bool looks_like_formula(std::string_view text);

}  // namespace hone::data
