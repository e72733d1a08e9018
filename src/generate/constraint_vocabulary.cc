#include "generate/constraint_vocabulary.h"

#include <algorithm>

namespace hone::generate {

namespace {

enum class Quotes { either, without, with };

std::vector<text::TokenId> tokens_of(const text::Tokenizer& tokenizer, Quotes quotes) {
  std::vector<text::TokenId> ids;
  for (std::size_t i = 0; i < tokenizer.vocabulary_size(); ++i) {
    const auto id = static_cast<text::TokenId>(i);
    const std::string_view bytes = tokenizer.token_bytes(id);
    if (bytes.empty() || tokenizer.is_special(id)) continue;
    const bool has_quote = bytes.find('"') != std::string_view::npos;
    if (quotes == Quotes::either || has_quote == (quotes == Quotes::with)) ids.push_back(id);
  }
  return ids;
}

void set(TokenMask& mask, text::TokenId id) {
  mask[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
}

// What text is made of where a value is spelled by escapes at need: ASCII, and bytes inside longer characters.
void check_bytes(const text::Tokenizer& tokenizer) {
  std::vector<bool> single(256, false);
  for (const text::TokenId id : tokens_of(tokenizer, Quotes::either)) {
    const std::string_view bytes = tokenizer.token_bytes(id);
    if (bytes.size() == 1) single[static_cast<unsigned char>(bytes[0])] = true;
  }
  for (int byte = 0x20; byte < 0xC0; ++byte) {
    if (byte == 0x7F || single[static_cast<std::size_t>(byte)]) continue;
    fail(ErrorCode::unsupported,
         "the vocabulary has no token for the byte 0x{:02x} alone, so JSON can't always be completed; use a model with "
         "a "
         "byte-level or byte-fallback tokenizer",
         byte);
  }
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

void TokenBytesTree::mark(text::JsonMatcher& matcher, text::JsonMatcher::State state, TokenMask& mask) const {
  visit(matcher, state, [&mask](text::TokenId token, text::JsonMatcher::State) { set(mask, token); });
}

text::TokenId TokenBytesTree::longest_in(std::string_view bytes) const {
  text::TokenId longest = text::no_token;
  int i = 0, end = static_cast<int>(nodes_.size());
  for (const char c : bytes) {
    while (i < end && nodes_[static_cast<std::size_t>(i)].byte != static_cast<std::uint8_t>(c)) {
      i = nodes_[static_cast<std::size_t>(i)].end;
    }
    if (i >= end) break;
    const Node& node = nodes_[static_cast<std::size_t>(i)];
    if (node.last_token > node.first_token) longest = tokens_[static_cast<std::size_t>(node.first_token)];
    end = node.end;
    ++i;
  }
  return longest;
}

ConstraintVocabulary::ConstraintVocabulary(const text::Tokenizer& tokenizer)
    : tokenizer_(tokenizer),
      all_(tokenizer, tokens_of(tokenizer, Quotes::either)),
      unquoted_(tokenizer, tokens_of(tokenizer, Quotes::without)),
      quoted_(tokenizer, tokens_of(tokenizer, Quotes::with)),
      ends_((tokenizer.vocabulary_size() + 63) / 64, 0) {
  check_bytes(tokenizer);
  for (const text::TokenId id : tokenizer.end_of_turn()) set(ends_, id);
  for (const text::TokenId id : all_.tokens()) {
    longest_ = std::max(longest_, static_cast<int>(tokenizer.token_bytes(id).size()));
  }
  const std::string any_text = fmt::format(R"({{"type": "string", "maxLength": {}}})", longest_);
  text::JsonMatcher strings(value_or_throw(text::JsonSchema::compile(any_text)), {});
  inside_.resize(static_cast<std::size_t>(longest_) + 1);
  unquoted_.visit(strings, strings.step(strings.start(), '"'),
                  [&](text::TokenId token, text::JsonMatcher::State state) {
                    inside_[static_cast<std::size_t>(strings.characters_read(state))].push_back(token);
                  });
}

const TokenMask& ConstraintVocabulary::inside_strings(std::int64_t characters) const {
  const std::int64_t counted = std::min<std::int64_t>(characters, longest_);
  const auto [known, is_new] = inside_masks_.emplace(counted, TokenMask());
  if (!is_new) return known->second;
  known->second.assign(words(), 0);
  for (std::int64_t count = 0; count <= counted; ++count) {
    for (const text::TokenId token : inside_[static_cast<std::size_t>(count)]) set(known->second, token);
  }
  return known->second;
}

}  // namespace hone::generate
