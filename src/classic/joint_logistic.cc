#include "classic/joint_logistic.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "base/error.h"

namespace hone::classic {
namespace {

constexpr std::size_t lanes = 8;  // classes that one step of a loop takes, so that the compiler takes them together
constexpr std::size_t memory = 6;
constexpr int most_steps = 80;
constexpr double gradient_share = 0.01;
constexpr double enough_decrease = 1e-4;
constexpr float impossible = -1e4F;

using Vector = std::vector<float>;

// into[0..n) += factor * from[0..n), n a multiple of eight
void add_scaled(const float* __restrict from, float factor, std::size_t n, float* __restrict into) {
  for (std::size_t i = 0; i < n; i += lanes) {
    for (std::size_t j = 0; j < lanes; ++j) into[i + j] += factor * from[i + j];
  }
}

// Eight sums, added in a fixed order: enough places for millions of numbers of one size.
double dot(const Vector& a, const Vector& b) {
  double sums[lanes] = {};
  for (std::size_t i = 0; i < a.size(); i += lanes) {
    for (std::size_t j = 0; j < lanes; ++j) sums[j] += static_cast<double>(a[i + j]) * static_cast<double>(b[i + j]);
  }
  double sum = 0;
  for (const double one : sums) sum += one;
  return sum;
}

// Turns the decisions into logistics; gives the sum of log(1 + exp(decision)).
double to_logistics(float* decisions, std::size_t classes) {
  double sum = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    const float x = decisions[k];
    const float small = std::exp(-std::abs(x));
    sum += std::max(x, 0.0F) + std::log1p(small);
    decisions[k] = (x > 0 ? 1.0F : small) / (1 + small);
  }
  return sum;
}

class Objective {
 public:
  Objective(const LogisticProblem& problem, double c)
      : problem_(problem), c_(c), classes_(static_cast<std::size_t>(problem.class_count)) {
    stride_ = (classes_ + lanes - 1) / lanes * lanes;
    absent_.assign(stride_, impossible);
    for (const int row_class : problem.classes) absent_[static_cast<std::size_t>(row_class)] = 0;
  }
  std::size_t stride() const { return stride_; }
  std::size_t size() const { return (problem_.features + 1) * stride_; }
  const Vector& absent() const { return absent_; }

  double value(const Vector& w, Vector& gradient) const {
    gradient = w;
    double loss = 0;
    Vector decisions(stride_);
    for (std::size_t i = 0; i < problem_.rows.size(); ++i) {
      const auto own = static_cast<std::size_t>(problem_.classes[i]);
      decide(w, problem_.rows[i], decisions);
      const float decision = decisions[own];
      loss += to_logistics(decisions.data(), classes_) - decision;
      decisions[own] -= 1;
      for (std::size_t k = classes_; k < stride_; ++k) decisions[k] = 0;
      for (const auto& [index, x] : problem_.rows[i])
        add_scaled(decisions.data(), static_cast<float>(c_) * x, stride_, gradient.data() + index * stride_);
      add_scaled(decisions.data(), static_cast<float>(c_), stride_, gradient.data() + problem_.features * stride_);
    }
    return c_ * loss + dot(w, w) / 2;
  }

 private:
  void decide(const Vector& w, const SparseRow& row, Vector& decisions) const {
    const float* bias = w.data() + problem_.features * stride_;
    for (std::size_t k = 0; k < stride_; ++k) decisions[k] = bias[k] + absent_[k];
    for (const auto& [index, x] : row) add_scaled(w.data() + index * stride_, x, stride_, decisions.data());
  }

  const LogisticProblem& problem_;
  double c_;
  std::size_t classes_;
  std::size_t stride_ = 0;
  Vector absent_;  // what is added to a decision: 0, or that no row has the class
};

struct Step {
  Vector change;
  Vector gradient_change;
  double rho = 0;
};

// The direction of L-BFGS's two loops, downhill.
Vector direction(const Vector& gradient, const std::deque<Step>& steps) {
  Vector d = gradient;
  std::vector<double> alphas(steps.size());
  for (std::size_t i = steps.size(); i-- > 0;) {
    alphas[i] = steps[i].rho * dot(steps[i].change, d);
    add_scaled(steps[i].gradient_change.data(), static_cast<float>(-alphas[i]), d.size(), d.data());
  }
  if (!steps.empty()) {
    const Step& last = steps.back();
    const auto scale = static_cast<float>(1 / (last.rho * dot(last.gradient_change, last.gradient_change)));
    for (float& one : d) one *= scale;
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double beta = steps[i].rho * dot(steps[i].gradient_change, d);
    add_scaled(steps[i].change.data(), static_cast<float>(alphas[i] - beta), d.size(), d.data());
  }
  for (float& one : d) one = -one;
  return d;
}

Vector minimise(const Objective& objective) {
  Vector w(objective.size(), 0.0F);
  Vector gradient;
  double value = objective.value(w, gradient);
  const double first_norm = std::sqrt(dot(gradient, gradient));
  std::deque<Step> steps;
  for (int step = 0; step < most_steps; ++step) {
    if (std::sqrt(dot(gradient, gradient)) <= gradient_share * first_norm) break;
    const Vector d = direction(gradient, steps);
    const double slope = dot(gradient, d);
    double length = steps.empty() ? 1 / first_norm : 1;
    Vector next;
    Vector next_gradient;
    double next_value = 0;
    bool is_lower = false;
    for (int halving = 0; halving < 30 && !is_lower; ++halving, length /= 2) {
      next = w;
      add_scaled(d.data(), static_cast<float>(length), next.size(), next.data());
      next_value = objective.value(next, next_gradient);
      is_lower = next_value <= value + enough_decrease * length * slope;
    }
    if (!is_lower) break;  // as low as floats tell
    Step made{next, next_gradient, 0};
    add_scaled(w.data(), -1, w.size(), made.change.data());
    add_scaled(gradient.data(), -1, w.size(), made.gradient_change.data());
    const double curvature = dot(made.change, made.gradient_change);
    w = std::move(next);
    gradient = std::move(next_gradient);
    value = next_value;
    if (curvature <= 1e-10) continue;
    made.rho = 1 / curvature;
    steps.push_back(std::move(made));
    if (steps.size() > memory) steps.pop_front();
  }
  return w;
}

}  // namespace

std::vector<double> JointWeights::probabilities(const SparseRow& row) const {
  const auto classes = static_cast<std::size_t>(class_count);
  Vector decisions(weights.end() - static_cast<std::ptrdiff_t>(stride), weights.end());
  for (const auto& [index, x] : row) add_scaled(weights.data() + index * stride, x, stride, decisions.data());
  to_logistics(decisions.data(), classes);
  std::vector<double> p(decisions.begin(), decisions.begin() + static_cast<std::ptrdiff_t>(classes));
  double sum = 0;
  for (const double one : p) sum += one;
  for (double& one : p) one = sum > 0 ? one / sum : 1.0 / static_cast<double>(classes);
  return p;
}

JointWeights fit_joint_logistic(const LogisticProblem& problem, double c) {
  HONE_CHECK(problem.rows.size() == problem.classes.size() && problem.class_count >= 1 && !problem.rows.empty());
  const Objective objective(problem, c);
  JointWeights out;
  out.class_count = problem.class_count;
  out.features = problem.features;
  out.stride = objective.stride();
  out.weights = minimise(objective);
  for (std::size_t k = 0; k < out.stride; ++k) out.weights[problem.features * out.stride + k] += objective.absent()[k];
  return out;
}

}  // namespace hone::classic
