// The forms in which people keep examples.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace hone::data {

// The first five say how rows are stored, with columns of any names; the chat forms, Alpaca and prompt/completion also
// say which keys hold what, in a JSONL or JSON file; the last two are YAML or JSON files of other test programs.
enum class FileFormat {
  csv,
  tsv,
  jsonl,
  json,
  xlsx,
  openai_chat,
  sharegpt,
  alpaca,
  prompt_completion,
  promptfoo,
  lm_eval
};

// "openai-chat" and so on: what --format takes.
const char* name_of(FileFormat format);
const std::vector<FileFormat>& all_formats();
// Errors: not one of the names above.
Result<FileFormat> format_named(const std::string& name);

// By the file's ending, and where it says too little (.json, .yaml) by its first bytes. Errors: an ending that none of
// the formats has.
Result<FileFormat> guess_format(const Path& file, std::string_view bytes);

// The file's ending in lower case, with its dot.
std::string ending_of(const Path& file);

}  // namespace hone::data
