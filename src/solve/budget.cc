#include "solve/budget.h"

namespace hone::solve {

void Budget::learn(double planned, double took) {
  planned_ += planned;
  took_ += took;
}

bool Budget::has_learned() const {
  constexpr double enough_seconds = 3;
  return planned_ >= enough_seconds;
}

double Budget::slower() const { return std::max(0.8, slower_reading()); }

double Budget::slower_reading() const { return has_learned() ? std::clamp(took_ / planned_, 0.2, 4.0) : 1; }

}  // namespace hone::solve
