// L2-regularised logistic regression by liblinear (Fan et al. 2008), one against the rest for more than two classes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "classic/ngram_features.h"

namespace hone::classic {

struct LogisticProblem {
  std::span<const SparseRow> rows;
  std::span<const int> classes;  // class index of each row
  int class_count = 0;
  std::size_t features = 0;
};

struct LogisticWeights {
  int class_count = 0;
  std::size_t features = 0;
  // [class][feature], then a bias a class; two classes keep one row, that of class 1.
  std::vector<float> weights;
  std::vector<float> bias;

  // Sums to one: the logistic for two classes, one-against-the-rest logistics normalised for more.
  std::vector<double> probabilities(const SparseRow& row) const;
};

// Minimises |w|^2 / 2 + C * sum log(1 + exp(-y w.x)) with a penalised bias of constant input 1. Deterministic.
LogisticWeights fit_logistic(const LogisticProblem& problem, double c);
// The same, bit for bit, with the classes shared out among the pool's workers.
LogisticWeights fit_logistic(const LogisticProblem& problem, double c, ThreadPool& pool);

// The C of `grid` with the best mean log-probability of the true class over k-fold cross-validation; rows beyond
// `most_rows` are left out. Folds and the rows left in are drawn by `seed`.
struct SearchSpec {
  std::vector<double> grid;
  int folds = 5;
  std::size_t most_rows = 3000;
  std::uint64_t seed = 1;
};
double choose_c(const LogisticProblem& problem, const SearchSpec& search);

}  // namespace hone::classic
