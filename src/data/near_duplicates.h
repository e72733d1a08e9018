// Rows that say nearly the same, so that they share a side of the split and leaks from training to test are seen.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/near_text.h"
#include "data/row.h"

namespace hone::data {

// Two texts are near-duplicates if, after folded_text() (normal_text.h),
//   - they are equal ("identical"), where short texts with a number must also have the same signs ("12 + 7" is not
//     "12 - 7") and texts without a letter must be equal as they stand; or
//   - both are long (16 words or more that hold no digit) and differ in their numbers only; or
//   - one has fewer than 8 words, both have at least 4, and one word put in or left out, or one spelling slip in a
//     word, turns one into the other, no number being touched ("what is an atom" and "what is an axiom", "add 5 and 7"
//     and "add 5 and 8" are no near-duplicates); or
//   - both have 5 words or more and the Jaccard similarity of their sets of 5-character grams is at least 0.8; where
//   one
//     has fewer than 8 words their numbers must be the same.
// They are one word apart if they are no near-duplicates, have 5 to 24 words and one word put in, left out or changed
// for any other turns one into the other, no number being touched. "Where do I change my PIN" and "where do I change my
// address" are, so this is worth a look but tears nothing from its side: the split knows near-duplicates only.
//
// Candidates share a key (near_keys.h) and each is then verified. Near-duplicates at the threshold are found 99.9 times
// of 100, more alike ones always. One bound: of more than 1,000 texts that share a key each is compared with the 1,000
// before it.

// A text's group is the lowest index connected to it by near-duplicates. A minute for a million rows of 30 words, on
// two cores, in 500 bytes a row.
std::vector<std::size_t> near_duplicate_groups(std::span<const std::string_view> texts);

// For each text the first `reference` that it nearly duplicates itself (not through a chain), if any.
std::vector<std::optional<std::size_t>> near_duplicates_of(std::span<const std::string_view> texts,
                                                           std::span<const std::string_view> references);

struct NearPair {
  std::size_t first = 0;  // < second
  std::size_t second = 0;
  Likeness likeness = Likeness::near;
  double jaccard = 0;  // gram_similarity() of the folded texts
};

// Every pair that is alike, one word apart included, ascending by (first, second); at most 100,000.
std::vector<NearPair> near_pairs(std::span<const std::string_view> texts);

// Valid as long as the texts are.
std::vector<std::string_view> views_of(std::span<const std::string> texts);
// Of each row its input; valid as long as the rows are.
std::vector<std::string_view> input_views(const std::vector<Row>& rows);

}  // namespace hone::data
