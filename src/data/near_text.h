// A text prepared for near-duplicate search, and whether two such texts are near-duplicates (near_duplicates.h says
// when).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hone::data {

constexpr std::size_t short_words = 8;      // texts with fewer words are compared word by word
constexpr std::size_t least_words = 4;      // below, only equal texts: "yes" and "no" are one word apart
constexpr std::size_t form_words = 16;      // texts of this many words without a digit are long: numbers may differ
constexpr double least_gram_overlap = 0.8;  // Jaccard similarity of long texts

struct NearText {
  std::string key;                   // what equal texts share: folded, with the signs between numbers in short texts
  std::string form;                  // long texts with a digit: the key without its numbers; else empty
  std::string folded;                // folded_text()
  std::string signs;                 // number_signs() of short texts
  std::vector<std::uint64_t> words;  // hashes, kept where there are least_words to short_words words
  std::vector<std::uint32_t> grams;  // sorted hashes of distinct 5-character grams, for short_words words and more
};

NearText near_text(const std::string& text);

// Smallest number of common grams with which sets of these sizes reach least_gram_overlap: J/(1+J) (|a|+|b|).
std::size_t least_overlap(std::size_t a, std::size_t b);

// Whether sets of grams reach least_gram_overlap.
bool similar_grams(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b);

// Whether one word put in or left out, or one spelling slip, turns one short text into the other. Numbers have no
// slips: "add 12 and 7" and "add 12 and 8" are different questions.
bool within_one_word(const NearText& a, const NearText& b);

}  // namespace hone::data
