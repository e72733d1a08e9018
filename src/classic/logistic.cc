#include "classic/logistic.h"

#include <linear.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "base/threads.h"

namespace hone::classic {
namespace {

// The decision for a class that every training row has, or, negated, that none has.
constexpr float certain = 20;

void print_nothing(const char*) {}

// liblinear's rows: 1-based indices, the bias as the last feature, a sentinel at the end.
class Nodes {
 public:
  explicit Nodes(const LogisticProblem& problem) {
    std::size_t total = 0;
    for (const auto& row : problem.rows) total += row.size() + 2;
    nodes_.reserve(total);
    const int bias = static_cast<int>(problem.features) + 1;
    for (const auto& row : problem.rows) {
      starts_.push_back(nodes_.data() + nodes_.size());
      for (const auto& [index, value] : row) nodes_.push_back({static_cast<int>(index) + 1, value});
      nodes_.push_back({bias, 1.0});
      nodes_.push_back({-1, 0});
    }
  }
  const std::vector<feature_node*>& rows() const { return starts_; }

 private:
  std::vector<feature_node> nodes_;
  std::vector<feature_node*> starts_;
};

struct FreeModel {
  void operator()(::model* fitted) const { free_and_destroy_model(&fitted); }
};

// Fits the class of `slot` against the rest, into its place in `out`.
void fit_class(const LogisticProblem& problem, const Nodes& nodes, double c, std::size_t slot, LogisticWeights& out) {
  const int positive = problem.class_count == 2 ? 1 : static_cast<int>(slot);
  std::vector<double> targets;
  for (const int row_class : problem.classes) targets.push_back(row_class == positive ? 1 : -1);
  const auto count = std::count(targets.begin(), targets.end(), 1.0);
  if (count == 0) return;
  if (static_cast<std::size_t>(count) == targets.size()) {
    out.bias[slot] = certain;
    return;
  }
  std::vector<feature_node*> rows = nodes.rows();
  const ::problem given{static_cast<int>(rows.size()), static_cast<int>(problem.features) + 1, targets.data(),
                        rows.data(), 1.0};
  parameter chosen{};
  chosen.solver_type = L2R_LR;
  // liblinear scales the tolerance by the share of the smaller side, which one against the rest makes tiny.
  chosen.eps = problem.class_count > 10 ? 0.2 : 0.02;
  chosen.C = c;
  const std::unique_ptr<::model, FreeModel> fitted(::train(&given, &chosen));
  int labels[2] = {0, 0};
  get_labels(fitted.get(), labels);
  const int index = labels[0] == 1 ? 0 : 1;
  float* weights = out.weights.data() + slot * out.features;
  for (std::size_t i = 0; i < out.features; ++i) {
    weights[i] = static_cast<float>(get_decfun_coef(fitted.get(), static_cast<int>(i) + 1, index));
  }
  out.bias[slot] = static_cast<float>(get_decfun_bias(fitted.get(), index));
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

double fold_score(const LogisticProblem& problem, std::span<const std::size_t> order, int fold, int folds, double c) {
  std::vector<SparseRow> rows;
  std::vector<int> classes;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (static_cast<int>(i % static_cast<std::size_t>(folds)) == fold) continue;
    rows.push_back(problem.rows[order[i]]);
    classes.push_back(problem.classes[order[i]]);
  }
  const LogisticWeights weights = fit_logistic({rows, classes, problem.class_count, problem.features}, c);
  double sum = 0;
  for (std::size_t i = static_cast<std::size_t>(fold); i < order.size(); i += static_cast<std::size_t>(folds)) {
    const auto p = weights.probabilities(problem.rows[order[i]]);
    sum += std::log(std::max(1e-9, p[static_cast<std::size_t>(problem.classes[order[i]])]));
  }
  return sum;
}

}  // namespace

std::vector<double> LogisticWeights::probabilities(const SparseRow& row) const {
  const auto slots = bias.size();
  std::vector<double> decision(bias.begin(), bias.end());
  for (std::size_t slot = 0; slot < slots; ++slot) {
    const float* w = weights.data() + slot * features;
    for (const auto& [index, value] : row) decision[slot] += static_cast<double>(w[index]) * value;
  }
  if (class_count == 1) return {1.0};
  if (class_count == 2) {
    const double p = logistic(decision[0]);
    return {1 - p, p};
  }
  double sum = 0;
  for (auto& value : decision) sum += value = logistic(value);
  for (auto& value : decision) value /= sum;
  return decision;
}

LogisticWeights fit_logistic(const LogisticProblem& problem, double c) {
  ThreadPool alone(1);
  return fit_logistic(problem, c, alone);
}

LogisticWeights fit_logistic(const LogisticProblem& problem, double c, ThreadPool& pool) {
  HONE_CHECK(problem.rows.size() == problem.classes.size() && problem.class_count >= 1);
  LogisticWeights out;
  out.class_count = problem.class_count;
  out.features = problem.features;
  const std::size_t slots = problem.class_count == 2 ? 1 : static_cast<std::size_t>(problem.class_count);
  out.weights.assign(slots * out.features, 0);
  // A class without rows is never answered: its decision stays far below zero.
  out.bias.assign(slots, -certain);
  set_print_string_function(print_nothing);
  Nodes nodes(problem);
  pool.for_slices(slots, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t slot = begin; slot < end; ++slot) fit_class(problem, nodes, c, slot, out);
  });
  return out;
}

double choose_c(const LogisticProblem& problem, const SearchSpec& search) {
  std::vector<std::size_t> order(problem.rows.size());
  std::iota(order.begin(), order.end(), 0);
  Rng(search.seed, 0xC0).shuffle(order);
  if (order.size() > search.most_rows) order.resize(search.most_rows);
  const int folds = std::min<int>(search.folds, static_cast<int>(order.size()));
  if (folds < 2) return search.grid.front();
  const std::size_t jobs = search.grid.size() * static_cast<std::size_t>(folds);
  std::vector<double> scores(jobs);
  set_print_string_function(print_nothing);
  ThreadPool pool;
  pool.for_slices(jobs, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t job = begin; job < end; ++job) {
      const auto fold = static_cast<int>(job % static_cast<std::size_t>(folds));
      scores[job] = fold_score(problem, order, fold, folds, search.grid[job / static_cast<std::size_t>(folds)]);
    }
  });
  std::size_t best = 0;
  std::vector<double> totals(search.grid.size());
  for (std::size_t i = 0; i < totals.size(); ++i) {
    totals[i] = std::accumulate(scores.begin() + static_cast<std::ptrdiff_t>(i) * folds,
                                scores.begin() + static_cast<std::ptrdiff_t>(i + 1) * folds, 0.0);
    if (totals[i] > totals[best]) best = i;
  }
  return search.grid[best];
}

}  // namespace hone::classic
