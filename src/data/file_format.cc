#include "data/file_format.h"

#include <algorithm>

#include "base/terminal.h"
#include "data/normal_text.h"

namespace hone::data {

const char* name_of(FileFormat format) {
  switch (format) {
    case FileFormat::csv:
      return "csv";
    case FileFormat::tsv:
      return "tsv";
    case FileFormat::jsonl:
      return "jsonl";
    case FileFormat::json:
      return "json";
    case FileFormat::xlsx:
      return "xlsx";
    case FileFormat::openai_chat:
      return "openai-chat";
    case FileFormat::sharegpt:
      return "sharegpt";
    case FileFormat::alpaca:
      return "alpaca";
    case FileFormat::prompt_completion:
      return "prompt-completion";
    case FileFormat::promptfoo:
      return "promptfoo";
    case FileFormat::lm_eval:
      return "lm-eval";
  }
  HONE_CHECK(false);
}

const std::vector<FileFormat>& all_formats() {
  static const std::vector<FileFormat> formats = {
      FileFormat::csv,       FileFormat::tsv,    FileFormat::jsonl,
      FileFormat::json,      FileFormat::xlsx,   FileFormat::openai_chat,
      FileFormat::sharegpt,  FileFormat::alpaca, FileFormat::prompt_completion,
      FileFormat::promptfoo, FileFormat::lm_eval};
  return formats;
}

Result<FileFormat> format_named(const std::string& name) {
  std::vector<std::string> names;
  for (const FileFormat format : all_formats()) {
    if (name == name_of(format)) return format;
    names.emplace_back(name_of(format));
  }
  const std::string near = nearest_name(name, names);
  return make_error(ErrorCode::usage, "--format: expected one of {}; found \"{}\"{}", name_list(names, names.size()),
                    printable(name), near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near));
}

std::string ending_of(const Path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

Result<FileFormat> guess_format(const Path& file, std::string_view bytes) {
  const std::string ending = ending_of(file);
  if (ending == ".jsonl" || ending == ".ndjson") return FileFormat::jsonl;
  if (ending == ".csv") return FileFormat::csv;
  if (ending == ".tsv" || ending == ".tab") return FileFormat::tsv;
  if (ending == ".xlsx" || ending == ".xlsm") return FileFormat::xlsx;
  constexpr std::size_t head = 100'000;
  const std::string_view first = bytes.substr(0, head);
  if (ending == ".json") return FileFormat::json;
  if (ending == ".yaml" || ending == ".yml") {
    const bool is_lm_eval = first.find("doc_to_text") != std::string_view::npos;
    return is_lm_eval ? FileFormat::lm_eval : FileFormat::promptfoo;
  }
  return bad_input(
      "{}: expected a file that ends in .jsonl (one JSON object a line), .json, .csv, .tsv, .xlsx or .yaml{}; with "
      "another ending, say what it is: hone data import --format csv",
      printable(file.string()),
      ending == ".xls" || ending == ".ods" ? "; save the sheet as .xlsx or CSV"
      : ending == ".parquet"               ? "; write Parquet as JSONL first"
                                           : "");
}

}  // namespace hone::data
