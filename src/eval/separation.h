// How well scores tell two kinds of rows apart, whatever the share of either.
#pragma once

#include <span>

#include "eval/score.h"

namespace hone::eval {

// The chance that a row of the first kind scores higher than one of the second, ties counted half (the area under the
// ROC curve, Mann and Whitney's U / mn): .5 is guessing. The 95 % interval takes the standard error of Hanley and
// McNeil (1982) and is cut to [0, 1]. Both spans hold something.
Interval separation(std::span<const double> first, std::span<const double> second);

// The same authors' standard error where the true separation is `value`, for m rows against n.
double separation_error(double value, std::size_t m, std::size_t n);

// p of a separation as low as `seen`, were the true one `least` (one-sided, normal): small where the two kinds are
// certainly told apart worse than that.
double p_separated(double seen, double least, std::size_t m, std::size_t n);

}  // namespace hone::eval
