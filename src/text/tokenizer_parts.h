// What both kinds of tokenizer file come down to, before tables are built from it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/byte_pairs.h"
#include "text/pre_tokenizer.h"
#include "text/special_tokens.h"
#include "text/tokenizer.h"

namespace hone::text {

enum class TokenKind : unsigned char {
  unused,   // a hole, or a row that only pads the embedding
  plain,    // text may become it
  added,    // matched by its spelling in template bytes
  control,  // the same, and no merge may make it
};

enum class Normalization { none, nfc };

struct TokenizerParts {
  std::vector<std::string> spellings;  // by id, plain tokens in GPT-2's byte alphabet
  std::vector<TokenKind> kinds;        // by id
  std::vector<AddedToken> added;
  std::vector<std::pair<std::string_view, std::string_view>> merges;  // spellings, in rank order; views into the source
  std::optional<PreTokenizer> pre_tokenizer;
  Normalization normalization = Normalization::none;
  WholePieces whole_pieces = WholePieces::merged;
  std::optional<TokenId> bos, eos, eot;
  bool add_bos = false;

  // Checks that ids and merges fit together, and builds the tables.
  static Result<Tokenizer> build(TokenizerParts parts);
};

// "left right", as GGUF and older tokenizer.json files write a merge; empty parts where there is no space.
std::pair<std::string_view, std::string_view> split_merge(std::string_view merge);

}  // namespace hone::text
