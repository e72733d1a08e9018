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

// (p_given - largest other p + 1) / 2, in [0, 1]: the normalised margin. The lower, the likelier is the label wrong.
double label_quality(const std::vector<double>& probabilities, std::size_t given);

// With t_k the mean of p_k over the rows labelled k (no less than 2e-6), a row counts under the label k with
// p_k >= t_k - 1e-6; where several do, under its most probable label. A row that counts under another label than its
// own is suspect, unless its own is the most probable to within 1e-6. Worst quality first, ties by row.
//
// `probabilities`: [row][label], out of fold; `given`: [row], places of labels. The indices are those of cleanlab's
// find_label_issues(filter_by="confident_learning", return_indices_ranked_by="normalized_margin").
std::vector<Suspect> suspect_labels(const std::vector<std::vector<double>>& probabilities,
                                    const std::vector<std::size_t>& given);

}  // namespace hone::data
