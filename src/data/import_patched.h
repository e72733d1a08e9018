// One file of rows as the commands see it that read it by itself.
#pragma once

#include "data/row.h"

namespace hone::data {

// The rows of one file by the task's columns, with its patch applied where the task names the file as its own (as
// train, validation or test). Rows that are dropped are not there. Fails as import_rows() and patch_rows() do.
Result<Imported> import_patched(const Path& file, const Task& task);

}  // namespace hone::data
