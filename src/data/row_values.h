// The texts of a row, checked: what makes one unusable is the same wherever rows are read.
#pragma once

#include <string>
#include <string_view>

#include "data/column_template.h"
#include "data/row.h"

namespace hone::data {

using Checked = tl::expected<std::string, Rejected>;

tl::unexpected<Rejected> reject(std::string reason, std::string why);

// Whether nothing but white space is in it.
bool is_blank(std::string_view text);

// The text of the column `name`, which must be there, hold something, be below `too_long_bytes` and hold no NUL.
Checked column_text(const RawRow& row, const std::string& name);
// The same for one column or a template; a template must give some text beyond its own.
Checked template_text(const RawRow& row, const ColumnTemplate& columns);
// The column's text; empty where there is none.
std::string optional_text(const RawRow& row, const std::string& name);

}  // namespace hone::data
