// What a classifier says that tries to tell two sets of rows apart. classic/ makes it (classic/two_sample.h).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/row.h"

namespace hone::data {

struct Shift {
  std::string a;          // "training"
  std::string b;          // "test" or "traffic"
  std::size_t rows = 0;   // looked at, as many of each
  std::size_t right = 0;  // of twice as many: told apart by a classifier that had not seen them
  double log10_p = 0;     // of so many by chance
  struct Word {
    std::string word;
    std::size_t in_a = 0;  // rows that hold it
    std::size_t in_b = 0;
  };
  std::vector<Word> words;   // held by one set more than by the other, the least likely by chance first
  std::vector<Row> strange;  // rows of b that are least like a
};

}  // namespace hone::data
