// The pairs of rows that repeat each other, all of them, for `data check --pairs`.
#pragma once

#include <string>

#include "data/check.h"

namespace hone::cli {

// A line a pair: {row: {file, line, id}, of: {file, line, id}, likeness, jaccard} (data/near_duplicates.h).
void write_copy_pairs(const std::string& file, const data::CheckInput& input);

}  // namespace hone::cli
