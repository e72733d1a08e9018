// The values that a schema lets a member have, where they are few, in the tokens that the tokenizer writes them in:
// what an answer follows there, and what the values' probabilities are computed over.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "generate/constraint_vocabulary.h"
#include "text/json_schema_choices.h"

namespace hone::generate {

inline constexpr std::size_t most_field_values = 64;

// The trie of the values' tokens, from the token in which a value begins. A value is spelled as the tokenizer spells it
// by itself, and with each byte that may follow it. The token that ends it may be any that begins as that spelling's
// last does and goes on as the schema allows.
class ValueTokens {
 public:
  using TokenIds = std::vector<text::TokenId>;
  // Tokens that end the value, and hold at least one byte behind it.
  struct Ending {
    int value = 0;
    std::shared_ptr<const TokenIds> tokens;  // in the order of their ids; not empty
  };
  static constexpr int several = -1;
  struct Node {
    std::vector<std::pair<text::TokenId, int>> children;  // token, node
    std::vector<Ending> endings;
    int value = several;  // the only one that goes on from here
  };
  static constexpr int ended = -2;      // the value was ended
  static constexpr int elsewhere = -1;  // no value goes on so

  // The root first.
  const std::vector<Node>& nodes() const { return nodes_; }
  // Where `token` leads from a node: a node, `ended` or `elsewhere`.
  int next(int node, text::TokenId token) const;
  // Sets the bits of a node's tokens; of those only that have more than `bytes` bytes.
  void mark(int node, std::size_t bytes, const text::Tokenizer& tokenizer, TokenMask& mask) const;
  // Which token sequences mean which value: each as far as others are possible. None where there is one value.
  std::vector<std::pair<TokenIds, int>> sequences() const;
  std::size_t bytes() const;  // of memory, about

 private:
  friend class ValueTokensBuilder;
  void add_sequences(int node, TokenIds& path, std::vector<std::pair<TokenIds, int>>& all) const;

  std::vector<Node> nodes_{1};
};

// The places of such values under one schema, found as they are met. Not for several threads at once.
class ValuePlaces {
 public:
  using State = text::JsonMatcher::State;
  // Both outlive it.
  ValuePlaces(text::JsonMatcher& matcher, const ConstraintVocabulary& vocabulary)
      : matcher_(matcher), vocabulary_(vocabulary) {}

  // The values that may come at `state`; null where it stands before no member's value, or before one of many.
  const text::FewValues* few(State state);
  // Where text read from `state` first reaches into such a value: the state before it, and how many bytes that took.
  struct Entry {
    State state = 0;
    std::size_t bytes = 0;
  };
  std::optional<Entry> entry(State state, std::string_view bytes);
  // The tokens of the values at `state`, which has few(), where `before` are the bytes that the first token holds
  // before them.
  std::shared_ptr<const ValueTokens> tokens(State state, const std::string& before);
  std::size_t bytes() const { return bytes_; }  // of memory, about

 private:
  text::JsonMatcher& matcher_;
  const ConstraintVocabulary& vocabulary_;
  std::unordered_map<State, std::optional<text::FewValues>> few_;  // of states that are at_member_value()
  std::map<std::pair<State, std::string>, std::shared_ptr<const ValueTokens>> tokens_;
  std::size_t bytes_ = 0;
};

}  // namespace hone::generate
