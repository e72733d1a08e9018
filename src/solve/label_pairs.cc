#include "solve/label_pairs.h"

#include <algorithm>
#include <set>

#include "classic/classic.h"
#include "eval/separation.h"
#include "eval/significance.h"

namespace hone::solve {
namespace {

constexpr double alpha = 0.05;
constexpr std::size_t most_alike = 3;
constexpr std::size_t most_compared = 300;  // rows of the first label that are looked up among the second's

using RowsByLabel = std::vector<std::vector<std::size_t>>;

RowsByLabel rows_by_label(const data::OutOfFold& answers) {
  RowsByLabel rows(answers.labels.size());
  for (std::size_t i = 0; i < answers.given.size(); ++i) rows[answers.given[i]].push_back(i);
  return rows;
}

// p_a of the two labels alone.
std::vector<double> scores(const data::OutOfFold& answers, const std::vector<std::size_t>& rows,
                           const LabelPair& pair) {
  std::vector<double> all;
  all.reserve(rows.size());
  for (const std::size_t i : rows) {
    const double a = answers.probabilities[i][pair.a];
    const double b = answers.probabilities[i][pair.b];
    all.push_back(a + b > 0 ? a / (a + b) : 0.5);
  }
  return all;
}

// The most similar rows of different labels, by BM25; a row stands in one of them only.
void find_alike(const data::OutOfFold& answers, const RowsByLabel& rows, LabelPair& pair) {
  std::vector<data::Row> second;
  for (const std::size_t i : rows[pair.b]) second.push_back(answers.rows[i]);
  const classic::Bm25Index index(second);
  struct Found {
    double score;
    std::size_t a, b;
  };
  std::vector<Found> found;
  for (std::size_t n = 0; n < std::min(most_compared, rows[pair.a].size()); ++n) {
    const std::size_t i = rows[pair.a][n];
    for (const auto& hit : index.nearest(answers.rows[i].input, 1))
      found.push_back({hit.score, i, rows[pair.b][hit.row]});
  }
  std::stable_sort(found.begin(), found.end(), [](const Found& x, const Found& y) { return x.score > y.score; });
  std::set<std::size_t> shown;
  for (const Found& one : found) {
    if (pair.alike.size() == most_alike) break;
    if (shown.insert(one.b).second) pair.alike.emplace_back(one.a, one.b);
  }
}

}  // namespace

std::vector<LabelPair> label_pairs(const data::OutOfFold& answers) {
  const RowsByLabel rows = rows_by_label(answers);
  std::vector<LabelPair> pairs;
  for (std::size_t a = 0; a < rows.size(); ++a) {
    for (std::size_t b = a + 1; b < rows.size(); ++b) {
      if (std::min(rows[a].size(), rows[b].size()) < least_pair_rows) continue;
      LabelPair pair;
      pair.a = a;
      pair.b = b;
      pair.rows_a = rows[a].size();
      pair.rows_b = rows[b].size();
      pair.separation = eval::separation(scores(answers, rows[a], pair), scores(answers, rows[b], pair));
      pair.p = eval::p_separated(pair.separation.value, least_separation, pair.rows_a, pair.rows_b);
      pairs.push_back(std::move(pair));
    }
  }
  std::vector<double> p;
  for (const LabelPair& pair : pairs) p.push_back(pair.p);
  const std::vector<double> adjusted = eval::holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i].adjusted_p = adjusted[i];
    pairs[i].is_one = adjusted[i] <= alpha;
    if (pairs[i].is_one) find_alike(answers, rows, pairs[i]);
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const LabelPair& x, const LabelPair& y) {
    return x.is_one != y.is_one ? x.is_one : x.separation.value < y.separation.value;
  });
  return pairs;
}

}  // namespace hone::solve
