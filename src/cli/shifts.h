// Test rows and real traffic held against the training rows, for `data check`.
#pragma once

#include <string>
#include <vector>

#include "data/check.h"

namespace hone::cli {

// Of the user's own test file, and of `traffic`, a file with the task's input columns (empty: none). Failure where it
// cannot be read or no row of it has an input.
std::vector<data::Shift> shifts_of(const data::CheckInput& input, const std::string& traffic);

}  // namespace hone::cli
