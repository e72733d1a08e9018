// Byte-pair encoding as SentencePiece does it: on letters (code points), with bytes for letters the vocabulary lacks.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/byte_pairs.h"
#include "text/merge_table.h"
#include "text/piece_index.h"
#include "text/token_table.h"

namespace hone::text {

// In vocabulary files U+2581 stands for a space; in here a space is a space, so text needs no rewriting.
inline constexpr std::string_view space_mark = "\xE2\x96\x81";

class LetterPairs {
 public:
  struct Spec {
    // What each letter becomes at first. Symbols from the vocabulary's size up are letters that stand in tokens but are
    // none; where no merge takes them up they are written as bytes.
    std::vector<std::pair<std::uint32_t, TokenId>> letters;
    std::array<TokenId, 256> byte_ids{};  // no_token: the vocabulary lacks it
    TokenId unknown = no_token;           // for a letter with neither token nor bytes; no_token: it is left out
    bool fuses_unknown = false;           // a run of such letters is one token
    bool splits_at_spaces = false;        // no merge goes across the place before a space
  };

  // `plain[id]` says whether text may become that token; `tokens` must outlive this object.
  LetterPairs(const TokenTable& tokens, const std::vector<bool>& plain, const std::vector<Merge>& merges, Spec spec);

  // Appends the ids of `text`, any bytes; one that is no UTF-8 becomes its byte token. Const and safe to call from
  // several threads, each with its own scratch.
  void encode(std::string_view text, PairScratch& scratch, std::vector<TokenId>& out) const;

 private:
  // Which neighbouring characters stand side by side inside some token. Between others no merge can reach, so text is
  // cut there; all characters beyond ASCII count as one kind.
  class Joints {
   public:
    void learn(std::string_view token);
    bool joined(unsigned char before, unsigned char after) const { return table_[kind(before) * kinds + kind(after)]; }

   private:
    static constexpr std::size_t kinds = 129;
    static std::size_t kind(unsigned char byte) { return byte < 0x80 ? byte : 128; }
    std::bitset<kinds * kinds> table_;
  };

  void encode_piece(std::string_view piece, PairScratch& scratch, std::vector<TokenId>& out) const;
  void encode_merged(std::string_view piece, PairScratch& scratch, std::vector<TokenId>& out) const;
  void start(std::string_view piece, PairScratch& scratch) const;
  void add_symbol(TokenId symbol, PairScratch& scratch) const;
  // The byte tokens of a letter (its spelling in the vocabulary), else the unknown token.
  void add_unlisted(std::string_view bytes, PairScratch& scratch) const;
  void emit(const std::vector<TokenId>& symbols, std::vector<TokenId>& out) const;
  TokenId letter(std::uint32_t code) const;

  Spec spec_;
  std::size_t vocabulary_;
  MergeTable merges_;
  Joints joints_;
  std::array<TokenId, 128> ascii_;
  std::unordered_map<std::uint32_t, TokenId> others_;
  std::vector<std::string> extra_letters_;  // bytes of symbol vocabulary_ + i
  PieceIndex whole_;
};

}  // namespace hone::text
