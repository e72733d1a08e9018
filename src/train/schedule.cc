#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hone::train {

int warmup_steps(double share, int steps) { return static_cast<int>(std::ceil(share * steps)); }

double rate_factor(Decay decay, int done, int warmup, int steps) {
  if (done < warmup) return static_cast<double>(done) / std::max(1, warmup);
  const double rest = std::max(1, steps - warmup);
  if (decay == Decay::linear) return std::max(0.0, (steps - done) / rest);
  return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * ((done - warmup) / rest))));
}

}  // namespace hone::train
