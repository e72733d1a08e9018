// Words that nearly give a label away, and whether the answer hangs on them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/out_of_fold.h"

namespace hone::data {

struct TellingWord {
  std::string word;  // in lower case
  std::size_t label = 0;
  std::size_t rows = 0;           // that hold the word
  std::size_t rows_of_label = 0;  // of these, with the label
  double precision = 0;           // rows_of_label / rows
  double coverage = 0;            // rows_of_label / rows with the label
  double log10_p = 0;             // of the association, times the number of pairs tried; at most 0
  std::size_t masked = 0;         // rows answered with the label in which the word was left out
  std::size_t flipped = 0;        // of these, answered otherwise without it
  bool is_named = false;          // it stands in the label's name or in the instruction
  bool is_shortcut = false;
  std::vector<std::size_t> exceptions;  // rows that hold the word and have another label
};

// Each word (distinct in a row, in lower case) is paired with the label that most of its rows have. The association is
// tested by Fisher's exact test, one-sided, Bonferroni-corrected for every word in 5 rows or more times every label.
// Told are words with a corrected p of at most .001, precision .8 or more, coverage .2 or more and odds five times
// those of the label elsewhere; of them the twenty with the least p are masked: left out of up to 300 rows that hold
// them and are answered with the label, which are then asked again.
//
// A shortcut is a word in 60 % or more of the label's rows, right 95 times of 100 or more, on which 5 % or more of the
// answers hang, and that neither the label's name nor the instruction holds: nothing says that it should decide.
// Shortcuts first, then by answers that hang on the word (flip rate times coverage).
std::vector<TellingWord> telling_words(const OutOfFold& oof, const std::string& instruction);

// log10 of the probability of `both` or more rows with the word and the label, where `with_word` of `rows` rows hold
// the word and `with_label` have the label, the two being independent (hypergeometric tail).
struct WordCounts {
  std::size_t rows = 0;
  std::size_t with_word = 0;
  std::size_t with_label = 0;
  std::size_t both = 0;
};
double log10_fisher(const WordCounts& counts);

}  // namespace hone::data
