// Approximate randomisation by group (Noreen 1989; Yeh 2000 for F scores): were two contenders the same, the answers of
// each group could as well have been swapped between them.
#pragma once

#include <cstdint>

#include "eval/bootstrap.h"
#include "eval/tally.h"

namespace hone::eval {

struct Swapped {
  // Share of all ways to swap in which the metrics differ by as much as they do, in either direction. Every way is
  // counted where there are few enough that differ in effect, and then p is exact; else 10,000 seeded ones are drawn,
  // and p = (1 + as much) / 10,001. For a rate with each row its own group it is exact McNemar.
  double p = 1;
  std::size_t different_groups = 0;  // in which swapping changes anything
};
// `groups` holds a's counts in cells [0, width) and b's in [width, 2 * width) of tally.width().
Swapped randomisation(const Tally& tally, const GroupedCounts& groups, std::uint64_t seed);

}  // namespace hone::eval
