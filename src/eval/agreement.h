// How often a short cut may answer otherwise than what it stands for, judged from rows that both answered.
#pragma once

#include <cstddef>

namespace hone::eval {

// A short cut is taken where this bound lies no higher: 0 of 200 rows differ, or 2 of 500.
inline constexpr double most_disagreement = 0.015;

// One-sided 95 % upper bound of the share of rows on which two answerers differ, `differing` of `rows` having done so
// (Clopper and Pearson 1934): the share p at which so few would differ in 1 of 20 cases. 1 where rows == differing.
double disagreement_bound(std::size_t differing, std::size_t rows);

}  // namespace hone::eval
