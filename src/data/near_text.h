// A text prepared for near-duplicate search, and whether two such texts are near-duplicates (near_duplicates.h says
// when).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

constexpr std::size_t short_words = 8;         // texts with fewer words are compared word by word
constexpr std::size_t least_words = 4;         // below, only equal texts: "yes" and "no" are one word apart
constexpr std::size_t form_words = 16;         // texts of this many words without a digit are long: numbers may differ
constexpr double least_gram_overlap = 0.8;     // Jaccard similarity of long texts
constexpr std::size_t least_edited_words = 5;  // from here on to most_edited_words any one word may be another
constexpr std::size_t most_edited_words = 24;  // above, a word more or less hardly moves the similarity

struct NearText {
  std::string key;     // what equal texts share: folded, with the signs between numbers in short texts
  std::string form;    // long texts with a digit: the key without its numbers; else empty
  std::string folded;  // folded_text()
  std::string signs;   // number_signs() of short texts
  std::size_t word_count = 0;
  std::vector<std::uint64_t> words;  // hashes, kept where there are least_words to most_edited_words + 1 words
  std::vector<std::uint32_t> grams;  // sorted hashes of distinct 5-character grams, for short_words words and more
};

NearText near_text(std::string_view text);

// Smallest number of common grams with which sets of these sizes reach least_gram_overlap: J/(1+J) (|a|+|b|).
std::size_t least_overlap(std::size_t a, std::size_t b);

// Whether sets of grams reach least_gram_overlap.
bool similar_grams(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b);

// Whether one word put in or left out, or one spelling slip, turns one short text into the other. Numbers have no
// slips: "add 12 and 7" and "add 12 and 8" are different questions.
bool within_one_word(const NearText& a, const NearText& b);

// Whether one word put in, left out or changed for any other turns one text of least_edited_words to most_edited_words
// words into the other (token edit distance 1), no number being touched.
bool is_one_word_apart(const NearText& a, const NearText& b);
// The same of hashes of words alone: token edit distance 1 at most.
bool is_one_edit_apart(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b);

// How alike two texts are, the strongest that holds (near_duplicates.h).
enum class Likeness { different, one_word, near, identical };
const char* name_of(Likeness likeness);  // "different", "one word", "near", "identical"
Likeness likeness_of(const NearText& a, const NearText& b);

// |A and B| / |A or B| of the sets of 5-character grams of two folded texts, whatever their length; 1 for two texts
// without a gram that are equal, 0 for others.
double gram_similarity(std::string_view folded_a, std::string_view folded_b);

}  // namespace hone::data
