// A first hone.toml from a file of examples, each guess explained.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"

namespace hone::data {

struct InitResult {
  std::string toml;                // hone.toml, with a comment at each guess
  std::vector<std::string> notes;  // the same guesses, a sentence each
};

// Guesses columns, kind, labels, positive label, metric, the user's own test and validation files (test.*, valid*.* or
// dev.* of the same ending beside `file`) and drafts the instruction. Paths are written relative to `task_folder` where
// they lie in it. The result is accepted by load_task and import_rows. Errors: the file cannot be read, has no two
// columns with text, or holds one label only.
Result<InitResult> init_task(const Path& file, const Path& task_folder);

}  // namespace hone::data
