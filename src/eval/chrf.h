// chrF, the character n-gram F-score (Popovic 2015), from counts that add up over rows.
#pragma once

#include <array>
#include <string_view>

namespace hone::eval {

inline constexpr std::size_t chrf_orders = 6;
// For each order n: n-grams of the answer, of the gold text, and matched ones. Counts of a corpus are the sums over its
// rows.
using ChrfCounts = std::array<double, 3 * chrf_orders>;

// Counts of one row over Unicode code points, whitespace removed. As in sacrebleu, the answer's n-grams of an order are
// not counted where the gold text has none of that order.
ChrfCounts chrf_counts(std::string_view answer, std::string_view gold);
// chrF2 in 0..1: precision and recall averaged over the orders that both sides have, then F with beta = 2.
double chrf_value(const double* counts);

}  // namespace hone::eval
