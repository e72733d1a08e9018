// How a score grows with the rows trained on, and how far it would go: s(n) = a - b n^-c.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "eval/score.h"

namespace hone::eval {

struct CurvePoint {
  double rows = 0;
  double score = 0;   // mean over repetitions, 0..1
  double spread = 0;  // standard deviation of one repetition
  int repetitions = 1;
};

// The power law is fitted by weighted least squares (a at most 1, b at least 0) for each exponent c of a grid from .1
// to 1.5; each c weighs by its likelihood, so an interval holds what the exponent leaves open. A point's variance is
// that of its mean and, growing towards few rows, the law's own error: small sets bend otherwise.
class LearningCurve {
 public:
  // Expects three points of different rows or more.
  explicit LearningCurve(std::span<const CurvePoint> points);

  // The score of one training on so many rows, with its 90 % interval, all within 0..1.
  Interval at(double rows) const;
  // The score that no number of rows passes.
  Interval ceiling() const;
  // The rows from which on the score reaches `target`: as expected, at best and at worst; `none` where it does not by
  // a hundred times the most rows seen.
  struct RowsFor {
    std::optional<double> expected;
    std::optional<double> at_best;
    std::optional<double> at_worst;
  };
  RowsFor rows_for(double target) const;

 private:
  // The law for one exponent: a normal distribution of (a, b).
  struct Fit {
    double exponent = 0;
    double weight = 0;
    double a = 0, b = 0;
    double var_a = 0, var_b = 0, cov_ab = 0;
  };
  Fit fit(std::span<const CurvePoint> points, double exponent, double& misfit) const;
  // Of the score on `rows` rows; with_rows 0: of the ceiling, 1 else.
  double quantile(double with_rows, double rows, double share) const;

  std::vector<Fit> fits_;
  double most_rows_ = 0;
  double noise_ = 0;  // standard deviation of one training on many rows
};

}  // namespace hone::eval
