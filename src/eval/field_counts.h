// What the fields of a JSON answer have in common with those of the gold one.
#pragma once

#include <array>
#include <string>

namespace hone::eval {

// Fields that are right, fields of the answer, fields of the gold one. A field is a place in the document (a JSON
// pointer, items of lists by their number) and the word, number or string that stands there; it is right where the
// other document has an equal value (1 equals 1.0; strings byte by byte) at the same place. Empty lists and objects
// have none. What is no JSON has none.
using FieldCounts = std::array<double, 3>;
FieldCounts field_counts(const std::string& answer, const std::string& gold);

}  // namespace hone::eval
