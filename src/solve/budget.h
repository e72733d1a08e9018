// The clock of a budget: what is left, and how much slower things go than the plan thought.
#pragma once

#include "base/clock.h"

namespace hone::solve {

class Budget {
 public:
  // Starts now. `seconds` 0: no limit.
  explicit Budget(double seconds) : seconds_(seconds) {}

  double seconds() const { return seconds_; }
  bool is_limited() const { return seconds_ > 0; }
  double elapsed() const { return watch_.seconds(); }
  double left() const { return seconds_ - elapsed(); }

  // A stage that was planned to take `planned` seconds took `took`.
  void learn(double planned, double took);
  // Taken over planned so far, between .8 and 4; 1 until a few seconds are known.
  double slower() const;

 private:
  double seconds_;
  Stopwatch watch_;
  double planned_ = 0;
  double took_ = 0;
};

}  // namespace hone::solve
