// Byte-pair encoding on bytes: the ids of one piece of text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/merge_table.h"
#include "text/piece_index.h"
#include "text/token_table.h"

namespace hone::text {

// How a piece that is itself a token is treated.
enum class WholePieces {
  merged,  // it comes out of the merges like any other
  direct,  // emitted at once, even where the merges would not reach it (tokenizer.json's ignore_merges)
};

// Buffers that one thread reuses from piece to piece.
struct PairScratch {
  std::vector<TokenId> ids;
  std::vector<std::uint64_t> merges;
};

class BytePairs {
 public:
  // `plain[id]` says whether text may become that token. `tokens` must outlive this object.
  BytePairs(const TokenTable& tokens, const std::vector<bool>& plain, const std::vector<Merge>& merges,
            WholePieces whole_pieces);

  // Appends the ids of `piece`. A byte for which the vocabulary has no token is left out, as Hugging Face's tokenizers
  // and llama.cpp do. Const and safe to call from several threads, each with its own scratch.
  void encode(std::string_view piece, PairScratch& scratch, std::vector<TokenId>& out) const;

 private:
  void encode_merged(std::string_view piece, PairScratch& scratch, std::vector<TokenId>& out) const;
  std::vector<TokenId> whole_pieces(const TokenTable& tokens, const std::vector<bool>& plain, WholePieces whole) const;

  std::array<TokenId, 256> byte_ids_;
  MergeTable merges_;
  std::vector<std::uint64_t> byte_merges_;  // of the tokens of two bytes, [first * 256 + second]
  PieceIndex whole_;
};

}  // namespace hone::text
