#include "generate/constraint_vocabulary.h"

#include <algorithm>

#include "base/json.h"

namespace hone::generate {

namespace {

enum class InStrings { all, plain, escaped, quoted };  // see ConstraintVocabulary

InStrings kind_of(std::string_view bytes) {
  if (bytes.find('"') != std::string_view::npos) return InStrings::quoted;
  const bool plain = std::all_of(bytes.begin(), bytes.end(),
                                 [](char c) { return c != '\\' && static_cast<unsigned char>(c) >= 0x20; });
  return plain ? InStrings::plain : InStrings::escaped;
}

std::vector<text::TokenId> tokens_of(const text::Tokenizer& tokenizer, InStrings kind) {
  std::vector<text::TokenId> ids;
  for (std::size_t i = 0; i < tokenizer.vocabulary_size(); ++i) {
    const auto id = static_cast<text::TokenId>(i);
    const std::string_view bytes = tokenizer.token_bytes(id);
    if (bytes.empty() || tokenizer.is_special(id)) continue;
    if (kind == InStrings::all || kind_of(bytes) == kind) ids.push_back(id);
  }
  return ids;
}

}  // namespace

TokenBytesTree::TokenBytesTree(const text::Tokenizer& tokenizer, std::vector<text::TokenId> ids)
    : tokens_(std::move(ids)) {
  std::sort(tokens_.begin(), tokens_.end(), [&](text::TokenId a, text::TokenId b) {
    const std::string_view x = tokenizer.token_bytes(a), y = tokenizer.token_bytes(b);
    return x != y ? x < y : a < b;
  });
  std::vector<int> open;  // nodes from the root to the last token
  std::string_view last;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view bytes = tokenizer.token_bytes(tokens_[i]);
    std::size_t shared = 0;
    while (shared < std::min(last.size(), bytes.size()) && last[shared] == bytes[shared]) ++shared;
    for (; open.size() > shared; open.pop_back())
      nodes_[static_cast<std::size_t>(open.back())].end = static_cast<int>(nodes_.size());
    for (std::size_t at = shared; at < bytes.size(); ++at) {
      open.push_back(static_cast<int>(nodes_.size()));
      const auto token = static_cast<int>(i);
      nodes_.push_back({static_cast<std::uint8_t>(bytes[at]), static_cast<int>(at) + 1, 0, token, token});
    }
    nodes_[static_cast<std::size_t>(open.back())].last_token = static_cast<int>(i) + 1;
    most_depth_ = std::max(most_depth_, static_cast<int>(bytes.size()));
    last = bytes;
  }
  for (const int node : open) nodes_[static_cast<std::size_t>(node)].end = static_cast<int>(nodes_.size());
}

void TokenBytesTree::mark_text(const text::JsonMatcher& matcher, text::JsonMatcher::State state,
                               TokenMask& mask) const {
  for (const text::JsonMatcher::TextWay& way : matcher.text_ways(state)) {
    way.counts() ? mark_way<true>(way, mask) : mark_way<false>(way, mask);
  }
}

// The whole vocabulary is gone through for a text of which nothing is known yet: the slowest of all masks.
template <bool counted>
void TokenBytesTree::mark_way(const text::JsonMatcher::TextWay& way, TokenMask& mask) const {
  const text::ByteAutomaton& automaton = *way.automaton;
  std::vector<std::int32_t> states(static_cast<std::size_t>(most_depth_) + 1, way.at);
  std::vector<std::int64_t> characters(counted ? states.size() : 0, way.characters);
  const int count = static_cast<int>(nodes_.size());
  for (int i = 0; i < count;) {
    const Node& node = nodes_[static_cast<std::size_t>(i)];
    const auto depth = static_cast<std::size_t>(node.depth);
    const std::int32_t to = automaton.step(states[depth - 1], node.byte);
    bool stands = to != text::ByteAutomaton::dead;
    if constexpr (counted) {
      characters[depth] = characters[depth - 1] + ((node.byte & 0xC0) != 0x80 ? 1 : 0);
      stands = stands && way.may_stand(to, characters[depth]);
    }
    if (!stands) {
      i = node.end;
      continue;
    }
    states[depth] = to;
    for (int token = node.first_token; token < node.last_token; ++token) {
      allow(mask, tokens_[static_cast<std::size_t>(token)]);
    }
    ++i;
  }
}

template <class Use>
void TokenBytesTree::descend(std::string_view bytes, const Use& use) const {
  int i = 0, end = static_cast<int>(nodes_.size());
  for (const char c : bytes) {
    while (i < end && nodes_[static_cast<std::size_t>(i)].byte != static_cast<std::uint8_t>(c)) {
      i = nodes_[static_cast<std::size_t>(i)].end;
    }
    if (i >= end) return;
    use(i);
    end = nodes_[static_cast<std::size_t>(i)].end;
    ++i;
  }
}

void TokenBytesTree::mark_beginnings(std::string_view text, TokenMask& mask) const {
  descend(text, [&](int i) {
    const Node& node = nodes_[static_cast<std::size_t>(i)];
    for (int token = node.first_token; token < node.last_token; ++token) {
      allow(mask, tokens_[static_cast<std::size_t>(token)]);
    }
  });
}

TokenBytesTree::Part TokenBytesTree::behind(std::string_view bytes) const {
  Part part = {0, static_cast<int>(nodes_.size()), 0};
  descend(bytes, [&](int i) { part = {i + 1, nodes_[static_cast<std::size_t>(i)].end, part.depth + 1}; });
  return static_cast<std::size_t>(part.depth) == bytes.size() ? part : Part();
}

int TokenBytesTree::longest_node(std::string_view bytes) const {
  int longest = -1;
  descend(bytes, [&](int i) {
    const Node& node = nodes_[static_cast<std::size_t>(i)];
    if (node.last_token > node.first_token) longest = i;
  });
  return longest;
}

text::TokenId TokenBytesTree::longest_in(std::string_view bytes) const {
  const int node = longest_node(bytes);
  if (node < 0) return text::no_token;
  return tokens_[static_cast<std::size_t>(nodes_[static_cast<std::size_t>(node)].first_token)];
}

std::vector<text::TokenId> TokenBytesTree::spelled(std::string_view bytes) const {
  std::vector<text::TokenId> tokens;
  while (!bytes.empty()) {
    const int longest = longest_node(bytes);
    HONE_CHECK(longest >= 0);
    const Node& node = nodes_[static_cast<std::size_t>(longest)];
    tokens.push_back(tokens_[static_cast<std::size_t>(node.first_token)]);
    bytes.remove_prefix(static_cast<std::size_t>(node.depth));
  }
  return tokens;
}

ConstraintVocabulary::ConstraintVocabulary(const text::Tokenizer& tokenizer)
    : tokenizer_(tokenizer),
      all_(tokenizer, tokens_of(tokenizer, InStrings::all)),
      plain_(tokenizer, tokens_of(tokenizer, InStrings::plain)),
      escaped_(tokenizer, tokens_of(tokenizer, InStrings::escaped)),
      quoted_(tokenizer, tokens_of(tokenizer, InStrings::quoted)),
      ends_((tokenizer.vocabulary_size() + 63) / 64, 0) {
  for (const text::TokenId id : tokenizer.end_of_turn()) allow(ends_, id);
  for (const text::TokenId id : all_.tokens()) {
    longest_ = std::max(longest_, static_cast<int>(tokenizer.token_bytes(id).size()));
  }
  mark_inside_strings();
  find_colons();
}

std::optional<unsigned char> ConstraintVocabulary::lacks(std::string_view text) const {
  const auto missing = std::find_if(text.begin(), text.end(), [&](char c) {
    return all_.longest_in({&c, 1}) == text::no_token;
  });
  if (missing == text.end()) return std::nullopt;
  return static_cast<unsigned char>(*missing);
}

// What text is made of where a value is spelled by escapes at need: ASCII, and bytes inside longer characters.
void ConstraintVocabulary::require_json() const {
  std::string needed;
  for (int byte = 0x20; byte < 0xC0; ++byte) {
    if (byte != 0x7F) needed += static_cast<char>(byte);
  }
  const auto missing = lacks(needed);
  if (!missing) return;
  fail(ErrorCode::unsupported,
       "the vocabulary has no token for the byte 0x{:02x} alone, so JSON can't always be completed; use a model with a "
       "byte-level or byte-fallback tokenizer",
       *missing);
}

void ConstraintVocabulary::find_colons() {
  constexpr std::string_view blanks = " \t\n";
  for (const text::TokenId id : all_.tokens()) {
    const std::string_view bytes = tokenizer_.token_bytes(id);
    for (std::size_t colon = bytes.find(':'); colon != std::string_view::npos; colon = bytes.find(':', colon + 1)) {
      if (bytes.find_first_not_of(blanks, colon + 1) == std::string_view::npos) break;
      const std::size_t before = colon == 0 ? std::string_view::npos : bytes.find_last_not_of(blanks, colon - 1);
      if (before != std::string_view::npos && bytes[before] != '"') continue;
      (before == std::string_view::npos ? colons_ : quote_colons_).push_back(id);
      break;
    }
  }
}

std::string ConstraintVocabulary::spellable(const std::string& json) const {
  std::string out;
  for (std::size_t begin = 0, end = 0; begin < json.size(); begin = end) {
    end = begin + 1;
    while (end < json.size() && (json[end] & 0xC0) == 0x80) ++end;
    const std::string character = json.substr(begin, end - begin);
    const bool is_long = static_cast<unsigned char>(character[0]) >= 0xC0;  // only inside strings
    if (!is_long || all_.longest_in(character.substr(0, 1)) != text::no_token) {
      out += character;
    } else {
      const std::string quoted = Json(character).dump(-1, ' ', true);
      out += quoted.substr(1, quoted.size() - 2);
    }
  }
  return out;
}

void ConstraintVocabulary::mark_inside_strings() {
  const std::string any_text = fmt::format(R"({{"type": "string", "maxLength": {}}})", longest_);
  text::JsonMatcher strings(value_or_throw(text::JsonSchema::compile(any_text)), {});
  std::vector<std::vector<text::TokenId>> inside(static_cast<std::size_t>(longest_) + 1);
  for (const TokenBytesTree* tree : {&plain_, &escaped_}) {
    tree->visit(strings, strings.step(strings.start(), '"'), [&](text::TokenId token, text::JsonMatcher::State state) {
      inside[static_cast<std::size_t>(strings.characters_read(state))].push_back(token);
    });
  }
  while (inside.size() > 1 && inside.back().empty()) inside.pop_back();
  TokenMask mask(words(), 0);
  for (const std::vector<text::TokenId>& tokens : inside) {
    for (const text::TokenId token : tokens) allow(mask, token);
    inside_masks_.push_back(mask);
  }
}

}  // namespace hone::generate
