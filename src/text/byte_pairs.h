// Byte-pair merging (Sennrich et al. 2016) on bytes: the ids of one piece of text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "text/token_table.h"
#include "text/tokenizer.h"

namespace hone::text {

struct Merge {
  TokenId left = 0;
  TokenId right = 0;
  TokenId merged = 0;
};

// How a piece that is itself a token is treated.
enum class WholePieces {
  merged,  // it comes out of the merges like any other
  direct,  // emitted at once, even where the merges would not reach it (tokenizer.json's ignore_merges)
};

class BytePairs {
 public:
  // `merges` in rank order, a later one replacing an earlier one of the same pair. `plain[id]` says whether text may
  // become that token. `tokens` must outlive this object.
  BytePairs(const TokenTable& tokens, const std::vector<bool>& plain, const std::vector<Merge>& merges,
            WholePieces whole_pieces);

  // Buffers that one thread reuses from piece to piece.
  struct Scratch {
    std::vector<TokenId> ids;
    std::vector<std::uint64_t> merges;
  };

  // Appends the ids of `piece`. A byte for which the vocabulary has no token is left out, as Hugging Face's tokenizers
  // and llama.cpp do. Const and safe to call from several threads, each with its own scratch.
  void encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const;

 private:
  struct Slot {
    std::uint64_t pair = 0;
    std::uint64_t merge = 0;
  };
  // Rank in the upper, resulting token in the lower 32 bits; no_merge where the pair never merges.
  std::uint64_t merge_of(TokenId left, TokenId right) const;
  void insert(TokenId left, TokenId right, std::uint64_t merge);
  void start(std::string_view piece, Scratch& scratch) const;
  void merge_short(Scratch& scratch) const;
  void merge_long(std::vector<TokenId>& ids) const;
  void index_whole_pieces(const std::vector<bool>& plain, WholePieces whole_pieces);
  void insert_whole_piece(TokenId id);
  TokenId whole_piece(std::string_view piece) const;

  const TokenTable* tokens_;
  std::array<TokenId, 256> byte_ids_;
  std::vector<Slot> slots_;                 // open addressing by pair
  std::vector<std::uint64_t> byte_merges_;  // merge_of the tokens of two bytes, [first * 256 + second]
  // Tokens that a piece of the same bytes becomes, by open addressing. Nearly all pieces are short, and those are kept
  // in the slot, so that finding one costs one cache line.
  struct ShortPiece {
    std::uint64_t low = 0;   // bytes 0..7
    std::uint64_t high = 0;  // bytes 8..14, then the length
    TokenId id = -1;
  };
  std::vector<ShortPiece> short_pieces_;
  std::vector<TokenId> long_pieces_;
};

}  // namespace hone::text
