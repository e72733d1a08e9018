// One line of JSONL as named values, its numbers as they are written: 0.10 stays 0.10, and long ids stay apart.
#pragma once

#include <string_view>

#include "data/raw_rows.h"

namespace hone::data {

// RawRow::line is left to the caller. What cannot be read has `why` and `reason` instead of values: bytes that are not
// UTF-8, NUL, text that is no JSON object, a key that stands there twice.
RawRow json_row(std::string_view text);

// Says why these bytes cannot hold a row, if so: `why` and `reason` of `row`.
void check_bytes(std::string_view bytes, RawRow& row);

}  // namespace hone::data
