// Special and added tokens, found by their spelling in bytes that the chat template wrote, and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/marked_text.h"
#include "text/tokenizer.h"

namespace hone::text {

// An entry of tokenizer.json's "added_tokens", or a control or user-defined token of a GGUF.
struct AddedToken {
  std::string spelling;
  TokenId id = 0;
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool single_word = false;  // only where no word character touches it
};

class SpecialTokens {
 public:
  explicit SpecialTokens(std::vector<AddedToken> tokens);

  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    TokenId id = 0;
  };
  // All matches, ascending and disjoint: leftmost first, the longest at each place, every byte of the spelling written
  // by the template. White space taken along by lstrip or rstrip may be of any origin, as the model was trained so.
  std::vector<Match> find(const MarkedText& text) const;
  std::optional<TokenId> id_of(std::string_view spelling) const;

 private:
  struct Node {
    std::vector<std::pair<char, std::uint32_t>> children;
    std::int64_t token = -1;  // index in tokens_
  };
  // Index of the longest token that starts at `at` and ends by `limit`, or -1.
  std::int64_t longest_at(std::string_view text, std::size_t at, std::size_t limit) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;  // a trie of the spellings; 0 is the root
};

}  // namespace hone::text
