// What a text is looked up by: two texts that may be alike share one of these keys, and few others do.
#pragma once

#include <cstdint>
#include <vector>

#include "data/near_text.h"

namespace hone::data {

// MinHash (Broder 1997): the smallest value of each of 144 hash functions over the grams, in 24 bands of 6. Two sets of
// Jaccard similarity J share a band with probability 1 - (1 - J^6)^24: .9993 at .8, .90 at .67, .15 at .44, .002 at .2.
constexpr std::size_t band_count = 24;
constexpr std::size_t band_rows = 6;

// Appends the keys of a text:
//   - its own and that of its form;
//   - of short texts the hashes of all words and of all but one, so that one word put in, left out or changed leaves
//     one in common;
//   - of longer ones a key a band;
//   - where `least` is one_word, for texts up to most_edited_words + 1 words the first and the last half of their
//     words: one edit leaves one of them whole.
void append_near_keys(const NearText& text, Likeness least, std::vector<std::uint64_t>& keys);

}  // namespace hone::data
