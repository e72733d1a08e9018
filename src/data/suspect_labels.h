// Labels that look wrong, by confident learning (Northcutt, Jiang & Chuang 2021).
#pragma once

#include <cstddef>
#include <vector>

namespace hone::data {

struct Suspect {
  std::size_t row = 0;
  std::size_t suggested = 0;  // the label the row is counted under
  double quality = 0;         // label_quality()
};

// How much is to be said for the given label; the first two are cleanlab's.
enum class LabelQuality {
  normalized_margin,  // (p_given - largest other p + 1) / 2
  self_confidence,    // p_given
  // p_given / (p_given + (largest other p)^4): little where the given label is unlikely and another one is sure. The
  // margin takes labels that are hard for wrong where flips are spread over all labels, self-confidence where they go
  // to a confusable one; this is near the better of both in either case (bench/data_checks.py suspects).
  odds
};

// In [0, 1]: the lower, the likelier is the label wrong.
double label_quality(const std::vector<double>& probabilities, std::size_t given,
                     LabelQuality quality = LabelQuality::odds);

// With t_k the mean of p_k over the rows labelled k (no less than 2e-6), a row counts under the label k with
// p_k >= t_k - 1e-6; where several do, under its most probable label. A row that counts under another label than its
// own is suspect, unless its own is the most probable to within 1e-6. Worst quality first, ties by row.
//
// `probabilities`: [row][label], out of fold; `given`: [row], places of labels. The indices are those of cleanlab's
// find_label_issues(filter_by="confident_learning"), and for its two qualities in the order of
// return_indices_ranked_by.
std::vector<Suspect> suspect_labels(const std::vector<std::vector<double>>& probabilities,
                                    const std::vector<std::size_t>& given, LabelQuality quality = LabelQuality::odds);

}  // namespace hone::data
