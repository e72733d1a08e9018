#include "classic/out_of_fold.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "base/error.h"
#include "base/hash.h"
#include "base/threads.h"
#include "classic/logistic.h"
#include "classic/ngram_features.h"
#include "classic/sparse_neighbours.h"
#include "data/split.h"

namespace hone::classic {
namespace {

constexpr std::size_t neighbours = 15;
constexpr double unseen_vote = 1e-3;  // shared out among all labels, for each of the votes' sum

struct FittedFolds {
  NgramFeatures features;
  std::vector<int> fold_of;            // [row]
  std::vector<std::size_t> given;      // [row]
  std::vector<LogisticWeights> folds;  // fitted on the rows outside
  std::unique_ptr<SparseNeighbours> nearest;

  // Of a vector in the place of row `row`: the mean of the classifier's and the neighbours' answer.
  std::vector<double> probabilities(std::size_t row, const SparseRow& vector) const {
    const int fold = fold_of[row];
    std::vector<double> p = folds[static_cast<std::size_t>(fold)].probabilities(vector);
    std::vector<double> votes(p.size(), 0);
    double sum = 0;
    for (const auto& hit : nearest->nearest(vector, neighbours, [&](std::size_t i) { return fold_of[i] != fold; })) {
      const double vote = static_cast<double>(hit.similarity) * hit.similarity;
      votes[given[hit.row]] += vote;
      sum += vote;
    }
    if (sum == 0) return p;
    const double spread = unseen_vote / static_cast<double>(p.size());
    for (std::size_t k = 0; k < p.size(); ++k) p[k] = (p[k] + (votes[k] / sum + spread) / (1 + unseen_vote)) / 2;
    return p;
  }
};

// Rows with a known label, at most `most` of them, in the order given.
data::OutOfFold chosen_rows(std::vector<data::Row> rows, const std::vector<std::string>& labels,
                            const OutOfFoldSpec& spec) {
  std::unordered_map<std::string, std::size_t> place;
  for (std::size_t i = 0; i < labels.size(); ++i) place.emplace(labels[i], i);
  std::erase_if(rows, [&](const data::Row& row) { return !place.contains(row.output); });
  data::OutOfFold chosen;
  chosen.labels = labels;
  if (rows.size() > spec.most_rows) {
    chosen.left_out = rows.size() - spec.most_rows;
    std::vector<std::uint64_t> hashes;
    hashes.reserve(rows.size());
    for (const data::Row& row : rows) hashes.push_back(hash64(row.id, spec.seed));
    std::nth_element(hashes.begin(), hashes.begin() + static_cast<std::ptrdiff_t>(spec.most_rows), hashes.end());
    const std::uint64_t limit = hashes[spec.most_rows];
    std::erase_if(rows, [&](const data::Row& row) { return hash64(row.id, spec.seed) >= limit; });
  }
  for (const data::Row& row : rows) chosen.given.push_back(place.at(row.output));
  chosen.rows = std::move(rows);
  return chosen;
}

LogisticWeights fit_outside(const FittedFolds& fitted, std::span<const SparseRow> vectors, int fold, std::size_t labels,
                            double c) {
  std::vector<SparseRow> rows;
  std::vector<int> classes;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (fitted.fold_of[i] == fold) continue;
    rows.push_back(vectors[i]);
    classes.push_back(static_cast<int>(fitted.given[i]));
  }
  ThreadPool pool;
  const LogisticProblem problem{rows, classes, static_cast<int>(labels), fitted.features.size()};
  return fit_logistic(problem, c, pool);
}

}  // namespace

data::OutOfFold out_of_fold(std::vector<data::Row> rows, const std::vector<std::string>& labels,
                            const OutOfFoldSpec& spec) {
  data::OutOfFold out = chosen_rows(std::move(rows), labels, spec);
  HONE_CHECK(out.rows.size() >= 2 && spec.folds >= 2);
  auto fitted = std::make_shared<FittedFolds>();
  fitted->features = NgramFeatures::learn(data::inputs_of(out.rows));
  fitted->given = out.given;
  std::vector<SparseRow> vectors(out.rows.size());
  ThreadPool pool;
  pool.for_slices(vectors.size(), 16, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) vectors[i] = fitted->features.transform(out.rows[i].input);
  });
  fitted->fold_of = data::folds(out.rows, spec.folds, spec.seed);
  fitted->nearest = std::make_unique<SparseNeighbours>(vectors, fitted->features.size());
  for (int fold = 0; fold < spec.folds; ++fold) {
    fitted->folds.push_back(fit_outside(*fitted, vectors, fold, labels.size(), spec.c));
    if (spec.on_fold) spec.on_fold(fold + 1);
  }
  out.probabilities.resize(vectors.size());
  pool.for_slices(vectors.size(), 16, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) out.probabilities[i] = fitted->probabilities(i, vectors[i]);
  });
  out.answer = [fitted](std::size_t row, const std::string& input) {
    return fitted->probabilities(row, fitted->features.transform(input));
  };
  return out;
}

}  // namespace hone::classic
