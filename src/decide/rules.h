// The rules of the recommendation, one function each, in the order in which they are asked: docs/numerics.md, "The
// verdict".
#pragma once

#include "decide/facts.h"

namespace hone::decide {

// By the first rule that applies; speed, cost and caveats are added by choose().
Recommendation by_rules(const Facts& facts);

}  // namespace hone::decide
