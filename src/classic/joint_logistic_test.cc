#include "classic/joint_logistic.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/rng.h"

namespace hone::classic {
namespace {

// Rows of two features of their class and some of chance.
struct Drawn {
  std::vector<SparseRow> rows;
  std::vector<int> classes;
};

Drawn drawn(int classes, std::size_t count) {
  Rng rng(3);
  Drawn made;
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::uint32_t>(rng.below(static_cast<std::uint64_t>(classes)));
    SparseRow row = {{3 * label + static_cast<std::uint32_t>(rng.below(3)), 0.6F}};
    for (std::uint32_t j = 0; j < 4; ++j)
      row.emplace_back(60 + 10 * j + static_cast<std::uint32_t>(rng.below(10)), 0.4F);
    made.rows.push_back(std::move(row));
    made.classes.push_back(rng.uniform() < 0.9 ? static_cast<int>(label) : 0);
  }
  return made;
}

TEST(JointLogistic, ProbabilitiesAreThoseOfOneClassAfterTheOther) {
  for (const int classes : {2, 5, 9}) {
    const Drawn data = drawn(classes, 300);
    const LogisticProblem problem{data.rows, data.classes, classes, 100};
    const JointWeights joint = fit_joint_logistic(problem, 3);
    const LogisticWeights single = fit_logistic(problem, 3);
    for (const SparseRow& row : data.rows) {
      const std::vector<double> p = joint.probabilities(row);
      const std::vector<double> expected = single.probabilities(row);
      EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-9);
      for (std::size_t k = 0; k < p.size(); ++k) EXPECT_NEAR(p[k], expected[k], 0.05);  // both stop early
    }
  }
}

TEST(JointLogistic, AClassWithoutRowsIsNeverAnswered) {
  Drawn data = drawn(3, 60);
  for (int& row_class : data.classes) row_class = row_class == 2 ? 1 : row_class;
  const JointWeights fitted = fit_joint_logistic({data.rows, data.classes, 4, 100}, 10);
  for (const SparseRow& row : data.rows) {
    EXPECT_EQ(fitted.probabilities(row)[2], 0);
    EXPECT_EQ(fitted.probabilities(row)[3], 0);
  }
  EXPECT_EQ(fitted.weights, fit_joint_logistic({data.rows, data.classes, 4, 100}, 10).weights);
}

}  // namespace
}  // namespace hone::classic
