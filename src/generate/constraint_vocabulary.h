// A vocabulary as a tree of its tokens' bytes, so that all tokens that begin alike are tried together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_schema_matcher.h"
#include "text/tokenizer.h"

namespace hone::generate {

// One bit a token.
using TokenMask = std::vector<std::uint64_t>;
inline void allow(TokenMask& mask, text::TokenId token) {
  mask[static_cast<std::size_t>(token) / 64] |= std::uint64_t{1} << (token % 64);
}

class TokenBytesTree {
 public:
  // Nodes in depth-first order; a node's children follow it until `end`.
  struct Node {
    std::uint8_t byte = 0;
    int depth = 0;  // from 1
    int end = 0;
    int first_token = 0, last_token = 0;  // of tokens(): those whose bytes end here
  };
  TokenBytesTree(const text::Tokenizer& tokenizer, std::vector<text::TokenId> ids);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<text::TokenId>& tokens() const { return tokens_; }
  // Sets the bits of the tokens that `matcher`, as visit() takes it, can read from `state`.
  template <class Matcher, class State>
  void mark(Matcher&& matcher, State state, TokenMask& mask) const {
    visit(matcher, state, [&mask](text::TokenId token, State) { allow(mask, token); });
  }
  // The same inside a string, where none of the tokens ends it or holds an escape: no states are made.
  void mark_text(const text::JsonMatcher& matcher, text::JsonMatcher::State state, TokenMask& mask) const;
  // Sets the bits of the tokens that begin `text`.
  void mark_beginnings(std::string_view text, TokenMask& mask) const;
  // Calls `use(token, state)` for each of these tokens with the state behind it. Of a matcher: step() and `dead`.
  template <class Matcher, class State, class Use>
  void visit(Matcher& matcher, State state, const Use& use) const {
    visit_nodes(matcher, state, {0, static_cast<int>(nodes_.size()), 0}, use);
  }
  // The same for the tokens that begin with `bytes` and go on behind them, which are read from `state` on.
  template <class Matcher, class State, class Use>
  void visit_behind(std::string_view bytes, Matcher& matcher, State state, const Use& use) const {
    visit_nodes(matcher, state, behind(bytes), use);
  }
  // The longest token that begins `bytes`; no_token where there is none.
  text::TokenId longest_in(std::string_view bytes) const;
  // `bytes`, each of which has a token, as the longest tokens from its beginning.
  std::vector<text::TokenId> spelled(std::string_view bytes) const;

 private:
  // Nodes [begin, end) below one at `depth`.
  struct Part {
    int begin = 0, end = 0, depth = 0;
  };
  // The nodes below that of `bytes`.
  Part behind(std::string_view bytes) const;
  template <class Matcher, class State, class Use>
  void visit_nodes(Matcher& matcher, State state, Part part, const Use& use) const {
    std::vector<State> states(static_cast<std::size_t>(most_depth_ - part.depth) + 1, state);
    for (int i = part.begin; i < part.end;) {
      const Node& node = nodes_[static_cast<std::size_t>(i)];
      const auto depth = static_cast<std::size_t>(node.depth - part.depth);
      const State next = matcher.step(states[depth - 1], node.byte);
      if (next == std::remove_cvref_t<Matcher>::dead) {
        i = node.end;
        continue;
      }
      states[depth] = next;
      for (int token = node.first_token; token < node.last_token; ++token) {
        use(tokens_[static_cast<std::size_t>(token)], next);
      }
      ++i;
    }
  }
  template <bool counted>
  void mark_way(const text::JsonMatcher::TextWay& way, TokenMask& mask) const;
  // Calls `use(node)` for each node on the way that `bytes` go, as far as there is one.
  template <class Use>
  void descend(std::string_view bytes, const Use& use) const;
  // The node at which that token ends; -1 where there is none.
  int longest_node(std::string_view bytes) const;

  std::vector<Node> nodes_;
  std::vector<text::TokenId> tokens_;
  int most_depth_ = 0;
};

class ConstraintVocabulary {
 public:
  // `tokenizer` outlives it.
  explicit ConstraintVocabulary(const text::Tokenizer& tokenizer);

  // The first byte of `text` that has no token of its own.
  std::optional<unsigned char> lacks(std::string_view text) const;
  // Failure (unsupported) where a byte that JSON text needs has no token of its own: an answer could come to where no
  // token leads on.
  void require_json() const;

  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  const TokenBytesTree& all() const { return all_; }
  // By what they do inside a string: text as it stands, with an escape but no quote, with a quote.
  const TokenBytesTree& plain() const { return plain_; }
  const TokenBytesTree& escaped() const { return escaped_; }
  const TokenBytesTree& quoted() const { return quoted_; }
  // Tokens that may stand inside a string of any text, at a character's boundary, and don't end it, with no more than
  // `characters` of it.
  const TokenMask& inside_strings(std::int64_t characters) const {
    return inside_masks_[std::min(static_cast<std::size_t>(characters), inside_masks_.size() - 1)];
  }
  const TokenMask& ends() const { return ends_; }
  // Tokens that may reach from before a member's colon into its value: with a quote before the colon, and with nothing
  // but blanks.
  const std::vector<text::TokenId>& quote_colons() const { return quote_colons_; }
  const std::vector<text::TokenId>& colons() const { return colons_; }
  // Sets the bits of the tokens that end a turn.
  void allow_ends(TokenMask& mask) const {
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] |= ends_[i];
  }
  // JSON text as it can be spelled: characters whose first byte has no token of its own are written by number.
  std::string spellable(const std::string& json) const;
  int longest() const { return longest_; }  // bytes of the longest token
  std::size_t words() const { return ends_.size(); }

 private:
  void mark_inside_strings();
  void find_colons();

  const text::Tokenizer& tokenizer_;
  TokenBytesTree all_, plain_, escaped_, quoted_;
  TokenMask ends_;
  std::vector<text::TokenId> quote_colons_, colons_;
  std::vector<TokenMask> inside_masks_;  // of inside_strings(), by characters
  int longest_ = 1;
};

}  // namespace hone::generate
