// One row of JSON as named values, its numbers as they are written: 0.10 stays 0.10, and long ids stay apart.
#pragma once

#include <string_view>

#include "data/raw_rows.h"

namespace hone::data {

// RawRow::line is left to the caller. What cannot be read has `why` and `reason` instead of values: bytes that are not
// UTF-8, NUL, text that is no JSON object, a key that stands there twice (in any object of the row).
RawRow json_row(std::string_view text);

// One JSON value of any kind; `row` takes `why` and `reason` where it cannot be read.
RawValue json_value(std::string_view text, RawRow& row);

// Says why these bytes cannot hold a row, if so: `why` and `reason` of `row`.
void check_bytes(std::string_view bytes, RawRow& row);

}  // namespace hone::data
