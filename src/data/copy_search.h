// Which rows stand more than once: in one file, on two sides of the user's own files, or of the split.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "data/check.h"
#include "data/near_text.h"
#include "data/split_memory.h"

namespace hone::data {

// A row, and one that stands before it in the order test, validation, training, each in its file's order.
struct CopyPair {
  const Row* row = nullptr;
  const Row* of = nullptr;
  Side side = Side::train;  // the file of `row`
  Side of_side = Side::train;
  Likeness likeness = Likeness::near;
  double jaccard = 0;  // gram_similarity() of the folded inputs

  // Equal but for white space.
  bool is_exact() const;
};

struct Copies {
  // Pairs of near-duplicates and of rows one word apart (near_duplicates.h), by (row, of). Beyond 20,000 pairs, 40,000
  // with the copies of each, only those that show a row a further file or side of the split.
  std::vector<CopyPair> pairs;

  // For each training row the first training row of its chain of near-duplicates; itself where it is the first.
  std::vector<std::size_t> chain;
};

// Sides of the split by row; null where none was made or the row is used nowhere.
class SplitSides {
 public:
  explicit SplitSides(const Split* split);
  std::optional<Side> side_of(const Row& row) const;

 private:
  std::unordered_map<std::uint64_t, Side> sides_;  // by hash of id and line
};

Copies find_copies(const CheckInput& input);

}  // namespace hone::data
