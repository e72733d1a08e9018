// All rows of a task, from its one to three files.
#pragma once

#include <string>
#include <vector>

#include "data/review.h"
#include "data/row.h"
#include "data/split.h"

namespace hone::data {

struct TaskRows {
  SplitInput sides;
  std::vector<Rejected> rejected;    // of all files
  std::vector<std::string> columns;  // met in any file
  PatchReport patch;
};

// Reads every file that the task names, with its patch applied. Fails as import_rows() and check_ids() do; a file
// without a usable row is no failure.
Result<TaskRows> read_task_rows(const Task& task);

// The task by whose columns a file of generated rows is read: Hone wrote it, under names of its own.
Task task_of_generated_rows(const Task& task);

// Results are kept by row id, so one id may not mean two inputs. An error names both files and lines. (The same input
// under the same id in two files is a copy, which the split sets aside.)
Result<void> check_ids(const Task& task, const SplitInput& sides);

}  // namespace hone::data
