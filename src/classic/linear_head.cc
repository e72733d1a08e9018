#include <cmath>

#include "classic/classic.h"
#include "classic/logistic.h"

namespace hone::classic {
namespace {

SparseRow standardised(std::span<const float> vector, const std::vector<float>& mean,
                       const std::vector<float>& inverse_deviation) {
  SparseRow row;
  row.reserve(vector.size());
  // Divided by sqrt of the dimension, so that C means the same for any width.
  const float scale = 1 / std::sqrt(static_cast<float>(vector.size()));
  for (std::size_t i = 0; i < vector.size(); ++i) {
    row.emplace_back(static_cast<std::uint32_t>(i), (vector[i] - mean[i]) * inverse_deviation[i] * scale);
  }
  return row;
}

}  // namespace

LinearHead LinearHead::train(std::span<const std::vector<float>> vectors, std::span<const std::string> outputs,
                             const std::vector<std::string>& labels, std::uint64_t seed) {
  HONE_CHECK(!vectors.empty() && vectors.size() == outputs.size());
  const std::size_t width = vectors.front().size();
  const auto n = static_cast<double>(vectors.size());
  LinearHead head;
  head.labels_ = labels;
  for (std::size_t i = 0; i < width; ++i) {
    double sum = 0;
    double squares = 0;
    for (const auto& vector : vectors) sum += vector[i];
    for (const auto& vector : vectors) squares += (vector[i] - sum / n) * (vector[i] - sum / n);
    head.mean_.push_back(static_cast<float>(sum / n));
    head.inverse_deviation_.push_back(static_cast<float>(1 / std::sqrt(squares / n + 1e-12)));
  }
  std::vector<SparseRow> rows;
  std::vector<int> classes;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const auto found = std::find(labels.begin(), labels.end(), outputs[i]);
    if (found == labels.end()) continue;
    rows.push_back(standardised(vectors[i], head.mean_, head.inverse_deviation_));
    classes.push_back(static_cast<int>(found - labels.begin()));
  }
  const LogisticProblem problem{rows, classes, static_cast<int>(labels.size()), width};
  const SearchSpec search{
      .grid = {0.1, 1, 10, 100}, .folds = labels.size() > 10 ? 2 : 5, .most_rows = 1500, .seed = seed};
  ThreadPool pool;
  const LogisticWeights weights = fit_logistic(problem, choose_c(problem, search), pool);
  for (std::size_t slot = 0; slot < weights.bias.size(); ++slot) {
    const auto begin = weights.weights.begin() + static_cast<std::ptrdiff_t>(slot * width);
    std::vector<double> row(begin, begin + static_cast<std::ptrdiff_t>(width));
    row.push_back(weights.bias[slot]);
    head.weights_.push_back(std::move(row));
  }
  return head;
}

std::vector<double> LinearHead::probabilities(std::span<const float> vector) const {
  HONE_CHECK(vector.size() == mean_.size());
  LogisticWeights weights;
  weights.class_count = static_cast<int>(labels_.size());
  weights.features = mean_.size();
  for (const auto& row : weights_) {
    weights.weights.insert(weights.weights.end(), row.begin(), row.end() - 1);
    weights.bias.push_back(static_cast<float>(row.back()));
  }
  return weights.probabilities(standardised(vector, mean_, inverse_deviation_));
}

Json LinearHead::to_json() const {
  return {{"labels", labels_}, {"mean", mean_}, {"inverse_deviation", inverse_deviation_}, {"weights", weights_}};
}

Result<LinearHead> LinearHead::from_json(const Json& json) {
  LinearHead head;
  try {
    head.labels_ = json.at("labels").get<std::vector<std::string>>();
    head.mean_ = json.at("mean").get<std::vector<float>>();
    head.inverse_deviation_ = json.at("inverse_deviation").get<std::vector<float>>();
    head.weights_ = json.at("weights").get<std::vector<std::vector<double>>>();
  } catch (const nlohmann::json::exception& error) {
    return bad_input("a linear head cannot be read: {}", error.what());
  }
  const std::size_t slots = head.labels_.size() == 2 ? 1 : head.labels_.size();
  bool fits =
      !head.labels_.empty() && head.weights_.size() == slots && head.inverse_deviation_.size() == head.mean_.size();
  for (const auto& row : head.weights_) fits = fits && row.size() == head.mean_.size() + 1;
  if (!fits)
    return bad_input("a linear head's sizes do not fit together: {} labels, {} rows of weights, {} means",
                     head.labels_.size(), head.weights_.size(), head.mean_.size());
  return head;
}

}  // namespace hone::classic
