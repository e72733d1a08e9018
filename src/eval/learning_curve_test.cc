#include "eval/learning_curve.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace hone::eval {
namespace {

std::vector<CurvePoint> points_of(double a, double b, double c, double spread, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<CurvePoint> points;
  for (const double rows : {125.0, 200.0, 333.0, 500.0, 700.0, 1000.0}) {
    double sum = 0;
    for (int i = 0; i < 3; ++i) sum += a - b * std::pow(rows, -c) + spread * rng.normal();
    points.push_back({rows, sum / 3, spread, 3});
  }
  return points;
}

TEST(LearningCurve, APowerLawIsFoundAgain) {
  const LearningCurve curve(points_of(0.9, 3, 0.5, 0, 1));
  EXPECT_NEAR(curve.at(2500).value, 0.9 - 3 / std::sqrt(2500.0), 0.01);
  EXPECT_NEAR(curve.at(1000).value, 0.9 - 3 / std::sqrt(1000.0), 0.005);
  const auto rows = curve.rows_for(0.84);  // 3 / sqrt(n) = .06
  ASSERT_TRUE(rows.expected && rows.at_best);
  EXPECT_NEAR(std::log(*rows.expected), std::log(2500.0), 0.4);
  EXPECT_LT(*rows.at_best, *rows.expected);
}

TEST(LearningCurve, NineOfTenIntervalsHoldWhatComes) {
  int held = 0;
  double widest = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const LearningCurve curve(points_of(0.88, 2, 0.4, 0.008, seed));
    const Interval predicted = curve.at(2500);
    Rng rng(seed, 7);
    const double came = 0.88 - 2 * std::pow(2500.0, -0.4) + 0.008 * rng.normal();
    held += predicted.low <= came && came <= predicted.high ? 1 : 0;
    widest = std::max(widest, predicted.high - predicted.low);
  }
  EXPECT_GE(held, 85);
  EXPECT_LT(widest, 0.12);
}

TEST(LearningCurve, AFlatCurveSaysThatMoreRowsDoNotHelp) {
  const LearningCurve curve(points_of(0.8, 0, 1, 0.002, 3));
  EXPECT_NEAR(curve.ceiling().value, 0.8, 0.02);
  EXPECT_FALSE(curve.rows_for(0.9).expected);
  EXPECT_FALSE(curve.rows_for(0.9).at_best);
}

TEST(LearningCurve, IntervalsWidenAwayFromWhatWasSeen) {
  const LearningCurve curve(points_of(0.9, 3, 0.5, 0.01, 1));
  const auto width = [&](double rows) { return curve.at(rows).high - curve.at(rows).low; };
  EXPECT_LT(width(1000), width(5000));
  EXPECT_LT(width(5000), width(50000));
}

}  // namespace
}  // namespace hone::eval
