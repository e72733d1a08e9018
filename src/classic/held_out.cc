#include "classic/held_out.h"

#include <unordered_map>

#include "classic/logistic.h"
#include "classic/ngram_features.h"
#include "data/out_of_fold.h"

namespace hone::classic {

std::vector<std::size_t> held_out_answers(std::span<const data::Row> rows, std::span<const data::Row> asked,
                                          const std::vector<std::string>& labels, double c) {
  std::unordered_map<std::string, int> place;
  for (std::size_t i = 0; i < labels.size(); ++i) place.emplace(labels[i], static_cast<int>(i));
  std::vector<std::string> texts;
  std::vector<int> classes;
  for (const data::Row& row : rows) {
    const auto found = place.find(row.output);
    if (found == place.end()) continue;
    texts.push_back(row.input);
    classes.push_back(found->second);
  }
  const NgramFeatures features = NgramFeatures::learn(texts);
  std::vector<SparseRow> vectors;
  vectors.reserve(texts.size());
  for (const std::string& text : texts) vectors.push_back(features.transform(text));
  const LogisticProblem problem{vectors, classes, static_cast<int>(labels.size()), features.size()};
  ThreadPool pool;
  const LogisticWeights weights = fit_logistic(problem, c, pool);
  std::vector<std::size_t> answers;
  for (const data::Row& row : asked) {
    answers.push_back(data::best_label(weights.probabilities(features.transform(row.input))));
  }
  return answers;
}

}  // namespace hone::classic
