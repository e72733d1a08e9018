// Special and added tokens, found by their spelling in bytes that the chat template wrote, and nowhere else.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/marked_text.h"
#include "text/token_id.h"

namespace hone::text {

// An entry of tokenizer.json's "added_tokens", or a control or user-defined token of a GGUF.
struct AddedToken {
  std::string spelling;
  TokenId id = 0;
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool single_word = false;  // only where no word character touches it
  bool normalized = false;   // looked for only between the tokens that are not, as Hugging Face does
  bool anywhere = false;     // in bytes of any origin: it stands for layout, and nothing can be forged with it
  std::string pattern = {};  // what is looked for, where it is not the spelling: normalised as the text is
};

class SpecialTokens {
 public:
  explicit SpecialTokens(std::vector<AddedToken> tokens);

  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    TokenId id = 0;
  };
  // The matches of the tokens that are not `normalized` in text as it stands, or of those that are in normalised text:
  // leftmost first, the longest at each place, every byte written by the template (but for tokens that match anywhere).
  // White space taken along by lstrip or rstrip may be of any origin, as the model was trained so; a match inside white
  // space that the one before took along counts as well, as in Hugging Face's, so it may begin before that one ends.
  std::vector<Match> find(const MarkedText& text) const { return find_with(raw_, text); }
  std::vector<Match> find_normalized(const MarkedText& text) const { return find_with(normalized_, text); }
  bool has_normalized() const { return normalized_.nodes.size() > 1; }
  bool match_anywhere() const { return raw_.anywhere || normalized_.anywhere; }
  std::optional<TokenId> id_of(std::string_view spelling) const;

 private:
  struct Node {
    std::vector<std::pair<char, std::uint32_t>> children;
    std::int64_t token = -1;  // index in tokens_
  };
  struct Trie {
    std::vector<Node> nodes{1};  // of patterns; 0 is the root
    std::bitset<256> first;      // bytes a pattern may start with
    bool anywhere = false;       // some token matches anywhere
  };
  // Where a match may end: of any token, and of one that matches in template bytes only.
  struct Limits {
    std::size_t any = 0;
    std::size_t in_template = 0;
  };
  void insert(Trie& trie, std::size_t token);
  // Index of the longest token that starts at `at`, or -1.
  std::int64_t longest_at(const Trie& trie, std::string_view text, std::size_t at, Limits limits) const;
  std::vector<Match> find_with(const Trie& trie, const MarkedText& text) const;
  // Appends the token `index`, found at `at`, unless it may not stand there.
  void accept(std::int64_t index, std::size_t at, std::string_view text, std::vector<Match>& matches) const;

  std::vector<AddedToken> tokens_;
  Trie raw_;
  Trie normalized_;
};

}  // namespace hone::text
