// Logistic regression, one class against the rest, of all classes at once: a pass over the rows serves every class,
// where liblinear (logistic.h) makes its passes a class.
#pragma once

#include <vector>

#include "classic/logistic.h"

namespace hone::classic {

struct JointWeights {
  int class_count = 0;
  std::size_t features = 0;
  std::size_t stride = 0;      // classes, filled up to a multiple of eight
  std::vector<float> weights;  // [feature][stride], the bias as the last feature

  // The logistics of the decisions, normalised; sums to one.
  std::vector<double> probabilities(const SparseRow& row) const;
};

// What fit_logistic() minimises, |w|^2 / 2 + C * sum log(1 + exp(-y w.x)) for each class, by L-BFGS (Nocedal 1980) on
// the sum over classes, from zero until the gradient is a hundredth of the first. Both stop early: probabilities differ
// by some hundredths. A class without rows is never answered. One thread; deterministic.
JointWeights fit_joint_logistic(const LogisticProblem& problem, double c);

}  // namespace hone::classic
