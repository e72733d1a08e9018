#include "eval/learning_curve.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "base/error.h"

namespace hone::eval {
namespace {

constexpr double least_exponent = 0.1;
constexpr double most_exponent = 1.5;
constexpr double exponent_step = 0.05;
constexpr double law_error = 0.004;  // standard deviation at the most rows; it grows as the logarithm of their share
constexpr double least_noise = 0.003;
constexpr double low_share = 0.05;
constexpr double high_share = 0.95;
constexpr double farthest = 100;  // times the most rows seen

double variance_of(const CurvePoint& point, double most_rows) {
  const double mean = point.spread * point.spread / std::max(1, point.repetitions);
  const double law = law_error * (1 + std::log2(most_rows / point.rows));
  return mean + law * law;
}

double normal_share(double x) { return boost::math::cdf(boost::math::normal(), x); }

}  // namespace

LearningCurve::LearningCurve(std::span<const CurvePoint> points) {
  HONE_CHECK(points.size() >= 3);
  noise_ = least_noise;
  for (const CurvePoint& point : points) most_rows_ = std::max(most_rows_, point.rows);
  double least_spread = 1;
  for (const CurvePoint& point : points) {
    if (point.repetitions > 1) least_spread = std::min(least_spread, point.spread);
  }
  if (least_spread < 1) noise_ = std::max(noise_, least_spread);
  std::vector<double> misfits;
  for (double c = least_exponent; c < most_exponent + exponent_step / 2; c += exponent_step) {
    double misfit = 0;
    fits_.push_back(fit(points, c, misfit));
    misfits.push_back(misfit);
  }
  // Where even the best law misses by more than the variances say, they were too small.
  const double best = *std::min_element(misfits.begin(), misfits.end());
  const double scale = std::max(1.0, best / std::max(1.0, static_cast<double>(points.size()) - 3));
  double total = 0;
  for (std::size_t i = 0; i < fits_.size(); ++i)
    total += fits_[i].weight = std::exp(-(misfits[i] - best) / (2 * scale));
  for (Fit& one : fits_) {
    one.weight /= total;
    one.var_a *= scale;
    one.var_b *= scale;
    one.cov_ab *= scale;
  }
}

LearningCurve::Fit LearningCurve::fit(std::span<const CurvePoint> points, double exponent, double& misfit) const {
  // Least squares of score = a - b x with x = (rows / most)^-c.
  double w = 0;
  double wx = 0;
  double wxx = 0;
  double wy = 0;
  double wxy = 0;
  for (const CurvePoint& point : points) {
    const double weight = 1 / variance_of(point, most_rows_);
    const double x = std::pow(point.rows / most_rows_, -exponent);
    w += weight;
    wx += weight * x;
    wxx += weight * x * x;
    wy += weight * point.score;
    wxy += weight * x * point.score;
  }
  const double determinant = w * wxx - wx * wx;
  HONE_CHECK(determinant > 0);
  Fit made;
  made.exponent = exponent;
  made.b = (wx * wy - w * wxy) / determinant;
  made.a = (wy + made.b * wx) / w;
  made.var_a = wxx / determinant;
  made.var_b = w / determinant;
  made.cov_ab = wx / determinant;  // of a and b in a - b x
  if (made.a > 1) {
    made.a = 1;
    made.b = (wx - wxy) / wxx;
  }
  if (made.b < 0) {
    made.b = 0;
    made.a = std::min(1.0, wy / w);
  }
  for (const CurvePoint& point : points) {
    const double error = point.score - made.a + made.b * std::pow(point.rows / most_rows_, -exponent);
    misfit += error * error / variance_of(point, most_rows_);
  }
  return made;
}

double LearningCurve::quantile(double with_rows, double rows, double share) const {
  const auto below = [&](double score) {
    double sum = 0;
    for (const Fit& one : fits_) {
      const double x = with_rows * std::pow(rows / most_rows_, -one.exponent);
      const double law = law_error * std::max(1.0, 1 + std::log2(std::max(1.0, rows / most_rows_)));
      const double variance = one.var_a + x * x * one.var_b - 2 * x * one.cov_ab + noise_ * noise_ + law * law;
      sum += one.weight * normal_share((score - one.a + one.b * x) / std::sqrt(std::max(variance, 1e-12)));
    }
    return sum;
  };
  double low = -1;
  double high = 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (below(middle) < share ? low : high) = middle;
  }
  return std::clamp((low + high) / 2, 0.0, 1.0);
}

Interval LearningCurve::at(double rows) const {
  return {quantile(1, rows, 0.5), quantile(1, rows, low_share), quantile(1, rows, high_share)};
}

Interval LearningCurve::ceiling() const {
  return {quantile(0, most_rows_, 0.5), quantile(0, most_rows_, low_share), quantile(0, most_rows_, high_share)};
}

LearningCurve::RowsFor LearningCurve::rows_for(double target) const {
  const auto first_with = [&](double share) -> std::optional<double> {
    double low = std::log(most_rows_ / farthest);
    double high = std::log(most_rows_ * farthest);
    if (quantile(1, std::exp(high), share) < target) return std::nullopt;
    for (int i = 0; i < 50; ++i) {
      const double middle = (low + high) / 2;
      (quantile(1, std::exp(middle), share) < target ? low : high) = middle;
    }
    return std::exp(high);
  };
  return {first_with(0.5), first_with(high_share), first_with(low_share)};
}

}  // namespace hone::eval
