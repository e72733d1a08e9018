// Tokens by their bytes: the pieces of text that are one token as they stand.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/token_id.h"
#include "text/token_table.h"

namespace hone::text {

class PieceIndex {
 public:
  // The index of `ids`, whose bytes differ from each other and are not empty. `tokens` must outlive this object.
  PieceIndex(const TokenTable& tokens, const std::vector<TokenId>& ids);
  // The token of exactly these bytes, or no_token.
  TokenId find(std::string_view piece) const;

 private:
  void insert(TokenId id);

  const TokenTable* tokens_;
  // Open addressing. Nearly all pieces are short, and those are kept in the slot, so that finding one costs one cache
  // line.
  struct ShortPiece {
    std::uint64_t low = 0;   // bytes 0..7
    std::uint64_t high = 0;  // bytes 8..14, then the length
    TokenId id = no_token;
  };
  std::vector<ShortPiece> short_;
  std::vector<TokenId> long_;
};

}  // namespace hone::text
