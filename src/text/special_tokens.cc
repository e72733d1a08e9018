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
  for (std::size_t i = 0; i < tokens_.size(); ++i) insert(tokens_[i].normalized ? normalized_ : raw_, i);
}

void SpecialTokens::insert(Trie& trie, std::size_t token) {
  if (tokens_[token].spelling.empty()) return;
  std::size_t node = 0;
  for (const char c : tokens_[token].spelling) {
    auto& children = trie[node].children;
    const auto child = std::find_if(children.begin(), children.end(), [&](const auto& one) { return one.first == c; });
    if (child != children.end()) {
      node = child->second;
      continue;
    }
    children.emplace_back(c, static_cast<std::uint32_t>(trie.size()));
    node = trie.size();
    trie.emplace_back();
  }
  trie[node].token = static_cast<std::int64_t>(token);
}

std::int64_t SpecialTokens::longest_at(const Trie& trie, std::string_view text, std::size_t at, std::size_t limit) {
  std::int64_t longest = -1;
  std::size_t node = 0;
  for (std::size_t i = at; i < limit; ++i) {
    const auto& children = trie[node].children;
    const auto child =
        std::find_if(children.begin(), children.end(), [&](const auto& one) { return one.first == text[i]; });
    if (child == children.end()) break;
    node = child->second;
    if (trie[node].token >= 0) longest = trie[node].token;
  }
  return longest;
}

void SpecialTokens::find_inside(const Trie& trie, const MarkedText& marked, Range range,
                                std::vector<Match>& matches) const {
  const std::string_view text = std::string_view(marked.text()).substr(range.begin, range.end - range.begin);
  std::size_t done = 0;  // end of the last match with its white space
  for (const MarkedText::Stretch& stretch : marked.stretches()) {
    if (stretch.origin != Origin::from_template || stretch.end <= range.begin || stretch.begin >= range.end) continue;
    const std::size_t limit = std::min(stretch.end, range.end) - range.begin;
    for (std::size_t at = std::max(stretch.begin, range.begin) - range.begin; at < limit;) {
      const std::int64_t index = longest_at(trie, text, at, limit);
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
      matches.push_back({match.begin + range.begin, match.end + range.begin, match.id});
    }
  }
}

std::vector<SpecialTokens::Match> SpecialTokens::find(const MarkedText& marked) const {
  std::vector<Match> matches;
  find_inside(raw_, marked, {0, marked.size()}, matches);
  if (normalized_.size() == 1) return matches;
  std::vector<Match> all;
  std::size_t done = 0;
  for (const Match& match : matches) {
    find_inside(normalized_, marked, {done, match.begin}, all);
    all.push_back(match);
    done = match.end;
  }
  find_inside(normalized_, marked, {done, marked.size()}, all);
  return all;
}

std::optional<TokenId> SpecialTokens::id_of(std::string_view spelling) const {
  for (const Trie* trie : {&raw_, &normalized_}) {
    const std::int64_t index = longest_at(*trie, spelling, 0, spelling.size());
    if (index < 0 || tokens_[static_cast<std::size_t>(index)].spelling != spelling) continue;
    return tokens_[static_cast<std::size_t>(index)].id;
  }
  return std::nullopt;
}

}  // namespace hone::text
