// Inputs without answers: real traffic, rows still to be labelled.
#pragma once

#include "data/row.h"

namespace hone::data {

// Reads a file in any form of file_format.h by the task's input columns; outputs stay empty, whatever stands there. Ids
// are made as import_rows() makes them. Fails where the file cannot be read.
Result<Imported> unlabelled_rows(const Path& file, const Task& task);

}  // namespace hone::data
