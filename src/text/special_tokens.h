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
  bool normalized = false;   // looked for only between the tokens that are not, as Hugging Face does
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
  using Trie = std::vector<Node>;  // of spellings; 0 is the root
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  void insert(Trie& trie, std::size_t token);
  // Index of the longest token that starts at `at` and ends by `limit`, or -1.
  static std::int64_t longest_at(const Trie& trie, std::string_view text, std::size_t at, std::size_t limit);
  // Appends the matches of `trie` inside `range`, which is looked at as if nothing stood around it.
  void find_inside(const Trie& trie, const MarkedText& marked, Range range, std::vector<Match>& matches) const;

  std::vector<AddedToken> tokens_;
  Trie raw_{1};
  Trie normalized_{1};
};

}  // namespace hone::text
