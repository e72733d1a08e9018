// The trie of several token sequences, compressed into stretches: a stretch is a maximal run of tokens that all
// sequences through it share, split where sequences part and where one ends.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/token_id.h"

namespace hone::text {

struct TokenTree {
  struct Stretch {
    int parent = -1;   // index of the stretch it continues; always lies before it
    int sequence = 0;  // its tokens are sequences[sequence][begin, begin + length)
    int begin = 0;     // also its depth: tokens above it
    int length = 0;    // at least 1
    int row = 0;       // first row in the concatenation of all stretches
  };
  std::vector<Stretch> stretches;
  std::vector<std::vector<int>> paths;  // for each sequence the stretches that spell it, root first
  int rows = 0;                         // sum of the lengths

  // The row that holds token `depth` of `sequence`.
  int row_of(int sequence, int depth) const;
};

// Builds the tree. Equal sequences share a path; an empty sequence has an empty one. The order of stretches depends on
// the tokens alone (lexicographic), not on the order of `sequences`.
TokenTree token_tree(std::span<const std::span<const TokenId>> sequences);

// Indices of `sequences` in lexicographic order, ties by index; and the length of the prefix two sequences share.
std::vector<int> lexicographic_order(std::span<const std::span<const TokenId>> sequences);
int common_prefix(std::span<const TokenId> a, std::span<const TokenId> b);

}  // namespace hone::text
