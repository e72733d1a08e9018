// Exact tests, intervals of rates, and what several tests at once cost.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "eval/score.h"

namespace hone::eval {

// Exact McNemar: p = min(1, 2 * sum_{i <= min(b,c)} C(b+c, i) / 2^(b+c)).
double mcnemar_p(std::size_t only_a_right, std::size_t only_b_right);
// Wilson score interval for k of n.
Interval wilson(std::size_t k, std::size_t n, double confidence = 0.95);
// Holm's step-down adjustment, in the given order.
std::vector<double> holm(std::span<const double> p);
// 80 % power, alpha .05: 2.80 * sqrt(discordant / n), at most 1.
double smallest_detectable(double discordant_share, std::size_t n);

// Whether an MCC with its 95 % interval lies clearly above that of a guesser, 0: by 2.58 of its standard errors (one in
// 200 guessers gets there), read from the interval as (high - low) / 3.92.
bool beyond_guessing(const Interval& mcc);
// The same of a contender's metrics; true where there is no MCC (other kinds of task, or nothing measured).
bool beyond_guessing(const Metrics& metrics);

}  // namespace hone::eval
