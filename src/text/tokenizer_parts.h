// What both kinds of tokenizer file come down to, before tables are built from it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/byte_pairs.h"
#include "text/letter_pairs.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/special_tokens.h"
#include "text/tokenizer.h"

namespace hone::text {

enum class TokenKind : unsigned char {
  unused,   // a hole, or a row that only pads the embedding
  plain,    // text may become it
  byte,     // stands for one byte that no letter covers: <0x0A>
  added,    // matched by its spelling in template bytes
  control,  // the same, and no merge may make it
};

// How spellings in the vocabulary stand for text.
enum class Alphabet : unsigned char {
  bytes,    // GPT-2's: each byte is one printable character
  letters,  // SentencePiece's: as they are, U+2581 for a space, <0x0A> for a byte
};

struct TokenizerParts {
  Alphabet alphabet = Alphabet::bytes;
  std::vector<std::string> spellings;                              // by id
  std::vector<TokenKind> kinds;                                    // by id
  std::vector<std::pair<std::string, TokenId>> further_spellings;  // of ids that have several
  std::vector<AddedToken> added;
  std::vector<std::pair<std::string_view, std::string_view>> merges;  // spellings, in rank order; views into the source
  // By id; not empty: instead of `merges`, any two symbols merge that are a token together, that of the highest score
  // first.
  std::vector<float> scores;
  std::optional<PreTokenizer> pre_tokenizer;  // bytes only
  Normalizer normalizer;
  SpacePrefix prefix = SpacePrefix::never;  // letters only, as the next three
  bool splits_at_spaces = false;
  std::optional<TokenId> unknown;
  bool fuses_unknown = false;
  WholePieces whole_pieces = WholePieces::merged;
  std::optional<TokenId> bos, eos, eot;
  bool add_bos = false;

  // Checks that ids and merges fit together, and builds the tables.
  static Result<Tokenizer> build(TokenizerParts parts);
};

// "left right", as GGUF and older tokenizer.json files write a merge; empty parts where there is no space.
std::pair<std::string_view, std::string_view> split_merge(std::string_view merge);

// The byte that a spelling such as "<0x0A>" stands for.
std::optional<unsigned char> byte_of_spelling(std::string_view spelling);

// Whether all of `spelling` is white space or, in a vocabulary of letters, marks for it. Such added tokens only stand
// for layout, so they match in any text.
bool is_blank(std::string_view spelling);

// The merges of `parts`, by symbol; symbols from the vocabulary's size up are those letters, in `letters`, that have no
// token of their own (SentencePiece merges them all the same).
struct ResolvedMerges {
  std::vector<Merge> merges;
  std::vector<std::pair<std::uint32_t, TokenId>> letters;  // code point, symbol; alphabet of letters only
};
Result<ResolvedMerges> resolve_merges(const TokenizerParts& parts);

}  // namespace hone::text
