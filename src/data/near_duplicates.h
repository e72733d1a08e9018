// Rows that say nearly the same, so that they share a side of the split and leaks from training to test are seen.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hone::data {

// Two texts are near-duplicates if, after folded_text() (normal_text.h),
//   - they are equal, where short texts with a number must also have the same signs ("12 + 7" is not "12 - 7") and
//     texts without a letter must be equal as they stand; or
//   - both are long (16 words or more that hold no digit) and differ in their numbers only; or
//   - one has fewer than 8 words, both have at least 4, and one word put in or left out, or one spelling slip in a
//     word, turns one into the other, no number being touched ("what is an atom" and "what is an axiom", "add 5 and 7"
//     and "add 5 and 8" are no near-duplicates); or
//   - both have 8 words or more and the Jaccard similarity of their sets of 5-character grams is at least 0.8.
// Candidates come from prefix filtering (Chaudhuri, Ganti & Kaushik 2006), which misses no pair, where MinHash banding
// would miss some; each is then verified. One bound: of more than 8,192 texts that share a rare gram only the latest
// 8,192 are compared.

// A text's group is the lowest index connected to it by near-duplicates. About a second for 20,000 rows of 400
// characters.
std::vector<std::size_t> near_duplicate_groups(std::span<const std::string> texts);

// For each text the first `reference` that it nearly duplicates itself (not through a chain), if any.
std::vector<std::optional<std::size_t>> near_duplicates_of(std::span<const std::string> texts,
                                                           std::span<const std::string> references);

}  // namespace hone::data
