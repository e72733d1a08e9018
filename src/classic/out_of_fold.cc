#include "classic/out_of_fold.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "base/error.h"
#include "base/hash.h"
#include "classic/logistic.h"
#include "classic/ngram_features.h"
#include "data/split.h"

namespace hone::classic {
namespace {

struct FittedFolds {
  NgramFeatures features;
  std::vector<int> fold_of;            // [row]
  std::vector<LogisticWeights> folds;  // fitted on the rows outside
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

LogisticWeights fit_outside(const FittedFolds& fitted, std::span<const SparseRow> vectors, const data::OutOfFold& known,
                            int fold, double c) {
  std::vector<SparseRow> rows;
  std::vector<int> classes;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (fitted.fold_of[i] == fold) continue;
    rows.push_back(vectors[i]);
    classes.push_back(static_cast<int>(known.given[i]));
  }
  ThreadPool pool;
  const LogisticProblem problem{rows, classes, static_cast<int>(known.labels.size()), fitted.features.size()};
  return fit_logistic(problem, c, pool);
}

}  // namespace

data::OutOfFold out_of_fold(std::vector<data::Row> rows, const std::vector<std::string>& labels,
                            const OutOfFoldSpec& spec) {
  data::OutOfFold out = chosen_rows(std::move(rows), labels, spec);
  HONE_CHECK(out.rows.size() >= 2 && spec.folds >= 2);
  auto fitted = std::make_shared<FittedFolds>();
  fitted->features = NgramFeatures::learn(data::inputs_of(out.rows));
  std::vector<SparseRow> vectors;
  vectors.reserve(out.rows.size());
  for (const data::Row& row : out.rows) vectors.push_back(fitted->features.transform(row.input));
  fitted->fold_of = data::folds(out.rows, spec.folds, spec.seed);
  for (int fold = 0; fold < spec.folds; ++fold) {
    fitted->folds.push_back(fit_outside(*fitted, vectors, out, fold, spec.c));
    if (spec.on_fold) spec.on_fold(fold + 1);
  }
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const auto fold = static_cast<std::size_t>(fitted->fold_of[i]);
    out.probabilities.push_back(fitted->folds[fold].probabilities(vectors[i]));
  }
  out.answer = [fitted](std::size_t row, const std::string& input) {
    const auto fold = static_cast<std::size_t>(fitted->fold_of[row]);
    return fitted->folds[fold].probabilities(fitted->features.transform(input));
  };
  return out;
}

}  // namespace hone::classic
