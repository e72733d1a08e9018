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

SpecialTokens::SpecialTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)), nodes_(1) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].spelling.empty()) continue;
    std::size_t node = 0;
    for (const char c : tokens_[i].spelling) {
      auto& children = nodes_[node].children;
      const auto child =
          std::find_if(children.begin(), children.end(), [&](const auto& one) { return one.first == c; });
      if (child != children.end()) {
        node = child->second;
        continue;
      }
      children.emplace_back(c, static_cast<std::uint32_t>(nodes_.size()));
      node = nodes_.size();
      nodes_.emplace_back();
    }
    nodes_[node].token = static_cast<std::int64_t>(i);
  }
}

std::int64_t SpecialTokens::longest_at(std::string_view text, std::size_t at, std::size_t limit) const {
  std::int64_t longest = -1;
  std::size_t node = 0;
  for (std::size_t i = at; i < limit; ++i) {
    const auto& children = nodes_[node].children;
    const auto child =
        std::find_if(children.begin(), children.end(), [&](const auto& one) { return one.first == text[i]; });
    if (child == children.end()) break;
    node = child->second;
    if (nodes_[node].token >= 0) longest = nodes_[node].token;
  }
  return longest;
}

std::vector<SpecialTokens::Match> SpecialTokens::find(const MarkedText& marked) const {
  std::vector<Match> matches;
  const std::string_view text = marked.text();
  std::size_t done = 0;  // end of the last match with its white space
  for (const MarkedText::Stretch& stretch : marked.stretches()) {
    if (stretch.origin != Origin::from_template) continue;
    for (std::size_t at = stretch.begin; at < stretch.end;) {
      const std::int64_t index = longest_at(text, at, stretch.end);
      if (index < 0) {
        ++at;
        continue;
      }
      const AddedToken& token = tokens_[static_cast<std::size_t>(index)];
      Match match{at, at + token.spelling.size(), token.id};
      at = match.end;
      if (match.end < done) continue;
      if (token.single_word && touches_word(text, match.begin, match.end)) continue;
      if (token.lstrip) match.begin = white_space_before(text, match.begin);
      match.begin = std::max(match.begin, done);
      if (token.rstrip) match.end = white_space_after(text, match.end);
      done = match.end;
      matches.push_back(match);
    }
  }
  return matches;
}

std::optional<TokenId> SpecialTokens::id_of(std::string_view spelling) const {
  const std::int64_t index = longest_at(spelling, 0, spelling.size());
  if (index < 0 || tokens_[static_cast<std::size_t>(index)].spelling != spelling) return std::nullopt;
  return tokens_[static_cast<std::size_t>(index)].id;
}

}  // namespace hone::text
