// One pass over a file of rows that ends in another file, as `data import` and `data export` make it.
#pragma once

#include <memory>
#include <stop_token>

#include "base/progress.h"
#include "data/raw_rows.h"

namespace hone::cli {

struct RowPass {
  const char* label;  // "import", "export": before the progress, and in messages
  Path file;
  Path out;
};

// Makes `read` show its progress and end when `stop` is requested, for as long as the result lives. Failure (usage):
// `out` is the file itself.
std::unique_ptr<Progress> follow(const RowPass& pass, data::ReadSpec& read, const std::stop_token& stop);

}  // namespace hone::cli
