#include "text/special_tokens.h"

#include <algorithm>

#include "text/utf8.h"

namespace hone::text {
namespace {

std::size_t white_space_before(std::string_view text, std::size_t begin) {
  while (begin > 0) {
    const CodePoint before = code_point_before(text, begin);
    if (!before.valid || !is_white_space(before.code)) break;
    begin -= before.length;
  }
  return begin;
}

std::size_t white_space_after(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    const CodePoint after = code_point_at(text, end);
    if (!after.valid || !is_white_space(after.code)) break;
    end += after.length;
  }
  return end;
}

bool touches_word(std::string_view text, std::size_t begin, std::size_t end) {
  const auto is_word = [](const CodePoint& at) { return at.valid && is_word_character(at.code); };
  return (begin > 0 && is_word(code_point_before(text, begin))) ||
         (end < text.size() && is_word(code_point_at(text, end)));
}

}  // namespace

SpecialTokens::SpecialTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].pattern.empty()) tokens_[i].pattern = tokens_[i].spelling;
    insert(tokens_[i].normalized ? normalized_ : raw_, i);
  }
}

void SpecialTokens::insert(Trie& trie, std::size_t token) {
  const std::string& pattern = tokens_[token].pattern;
  if (pattern.empty()) return;
  trie.first.set(static_cast<unsigned char>(pattern.front()));
  trie.anywhere = trie.anywhere || tokens_[token].anywhere;
  std::size_t node = 0;
  for (const char c : pattern) {
    auto& children = trie.nodes[node].children;
    const auto child = std::find_if(children.begin(), children.end(), [&](const auto& one) { return one.first == c; });
    if (child != children.end()) {
      node = child->second;
      continue;
    }
    children.emplace_back(c, static_cast<std::uint32_t>(trie.nodes.size()));
    node = trie.nodes.size();
    trie.nodes.emplace_back();
  }
  trie.nodes[node].token = static_cast<std::int64_t>(token);
}

std::int64_t SpecialTokens::longest_at(const Trie& trie, std::string_view text, std::size_t at, Limits limits) const {
  if (!trie.first[static_cast<unsigned char>(text[at])]) return -1;
  std::int64_t longest = -1;
  std::size_t node = 0;
  for (std::size_t i = at; i < limits.any; ++i) {
    const auto& children = trie.nodes[node].children;
    const auto child =
        std::find_if(children.begin(), children.end(), [&](const auto& one) { return one.first == text[i]; });
    if (child == children.end()) break;
    node = child->second;
    const std::int64_t token = trie.nodes[node].token;
    if (token >= 0 && (i < limits.in_template || tokens_[static_cast<std::size_t>(token)].anywhere)) longest = token;
  }
  return longest;
}

void SpecialTokens::accept(std::int64_t index, std::size_t at, std::string_view text,
                           std::vector<Match>& matches) const {
  const AddedToken& token = tokens_[static_cast<std::size_t>(index)];
  Match match{at, at + token.pattern.size(), token.id};
  if (token.single_word && touches_word(text, match.begin, match.end)) return;
  const std::size_t done = matches.empty() ? 0 : matches.back().end;
  if (token.lstrip) match.begin = std::max(white_space_before(text, match.begin), done);
  if (token.rstrip) match.end = white_space_after(text, match.end);
  matches.push_back(match);
}

std::vector<SpecialTokens::Match> SpecialTokens::find_with(const Trie& trie, const MarkedText& marked) const {
  const std::string_view text = marked.text();
  std::vector<Match> matches;
  std::size_t at = 0;
  for (const MarkedText::Stretch& stretch : marked.stretches()) {
    const bool is_template = stretch.origin == Origin::from_template;
    if (!is_template && !trie.anywhere) continue;
    const Limits limits{trie.anywhere ? text.size() : stretch.end, is_template ? stretch.end : 0};
    at = std::max(at, stretch.begin);
    while (at < stretch.end) {
      const std::int64_t index = longest_at(trie, text, at, limits);
      if (index < 0) {
        ++at;
        continue;
      }
      accept(index, at, text, matches);
      at += tokens_[static_cast<std::size_t>(index)].pattern.size();
    }
  }
  return matches;
}

std::optional<TokenId> SpecialTokens::id_of(std::string_view spelling) const {
  for (const AddedToken& token : tokens_) {
    if (!spelling.empty() && token.spelling == spelling) return token.id;
  }
  return std::nullopt;
}

}  // namespace hone::text
