// Nearest rows by the cosine of sparse vectors.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "classic/ngram_features.h"

namespace hone::classic {

class SparseNeighbours {
 public:
  // Features are left out, those of the most rows first, until comparing all rows with all takes 4e9 products.
  SparseNeighbours(std::span<const SparseRow> rows, std::size_t features);

  struct Hit {
    std::size_t row = 0;
    float similarity = 0;  // the dot product over the features that are left
  };
  // The k most similar rows among those that may be told of, most similar first, ties by row; rows that share no
  // feature are left out. For several threads at once.
  std::vector<Hit> nearest(const SparseRow& row, std::size_t k,
                           const std::function<bool(std::size_t row)>& is_allowed) const;

 private:
  struct Posting {
    std::uint32_t row;
    float value;
  };
  std::size_t rows_ = 0;
  std::vector<std::uint32_t> starts_;  // [feature], and the end
  std::vector<Posting> postings_;
};

}  // namespace hone::classic
