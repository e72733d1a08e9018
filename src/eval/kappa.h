// How far two people agree beyond chance.
#pragma once

#include <span>
#include <string>

#include "eval/score.h"

namespace hone::eval {

struct Agreement {
  std::size_t rows = 0;
  Interval agreement;  // share of equal answers; Wilson
  // Cohen's kappa (1960): (agreement - chance) / (1 - chance), with the 95 % interval of Fleiss, Cohen and Everitt's
  // (1969) standard error, cut to [-1, 1]. 1 where both gave one and the same answer throughout.
  Interval kappa;
};

// Answers to the same rows, in the same order; at least one.
Agreement agreement(std::span<const std::string> a, std::span<const std::string> b);

}  // namespace hone::eval
