// Which rows a person should label next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hone::classic {

// Of texts without labels, a few at a time: those between whose labels a plain classifier wavers, and that are unlike
// what was labelled and unlike each other.
//
// next(): once ten rows of two labels or more are known, the classifier (classic/logistic.h, C = 10, on the features of
// all texts) is fitted to them and the 20 * count rows with the least p1 - p2 are candidates; before that as many
// random ones. Of the candidates the one whose largest cosine to any known or chosen row is least is taken, again and
// again (farthest first). Near-duplicates of a known, chosen or barred row (data/near_duplicates.h) are never taken.
class RowPicker {
 public:
  // Labels are numbers from 0 to below `label_count`. Deterministic.
  RowPicker(std::vector<std::string> texts, int label_count, std::uint64_t seed);
  RowPicker(RowPicker&&) noexcept;
  RowPicker& operator=(RowPicker&&) noexcept;
  ~RowPicker();

  // The label of a text; one that is given again is replaced. -1: seen, and not to be shown again.
  void know(std::size_t text, int label);
  // Never to be chosen, nor its near-duplicates: a row of the test.
  void bar(std::size_t text);
  // Places of texts, at most `count`; fewer where no others are left.
  std::vector<std::size_t> next(std::size_t count);

  // Places of `count` random texts, no two of them near-duplicates: a part kept for the test. What is asked for later
  // begins with what was asked for before.
  std::vector<std::size_t> random_part(std::size_t count) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone::classic
