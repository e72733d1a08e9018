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
  // Whether enough was seen to say how fast things go.
  bool has_learned() const;
  // Taken over planned so far, between .8 and 4; 1 until a few seconds are known. For training, which has shown nothing
  // yet: where reading is much faster than measured, training need not be.
  double slower() const;
  // The same for more of what was seen, between .2 and 4.
  double slower_reading() const;

 private:
  double seconds_;
  Stopwatch watch_;
  double planned_ = 0;
  double took_ = 0;
};

}  // namespace hone::solve
