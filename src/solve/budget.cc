#include "solve/budget.h"

namespace hone::solve {

void Budget::learn(double planned, double took) {
  planned_ += planned;
  took_ += took;
}

double Budget::slower() const {
  constexpr double enough_seconds = 3;
  if (planned_ < enough_seconds) return 1;
  return std::clamp(took_ / planned_, 0.8, 4.0);
}

}  // namespace hone::solve
