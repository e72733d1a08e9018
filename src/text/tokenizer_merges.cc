// Merges by the symbols they join: from a list of pairs, or from SentencePiece's scores.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/terminal.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace hone::text {
namespace {

using IdOfSpelling = std::unordered_map<std::string_view, TokenId>;

IdOfSpelling index_spellings(const TokenizerParts& parts) {
  IdOfSpelling ids;
  ids.reserve(parts.spellings.size() + parts.further_spellings.size());
  for (std::size_t id = 0; id < parts.spellings.size(); ++id) {
    if (parts.kinds[id] != TokenKind::unused) ids.emplace(parts.spellings[id], static_cast<TokenId>(id));
  }
  for (const auto& [spelling, id] : parts.further_spellings) ids.emplace(spelling, id);
  return ids;
}

Result<std::vector<Merge>> listed_merges(const TokenizerParts& parts, const IdOfSpelling& ids) {
  std::vector<Merge> merges;
  merges.reserve(parts.merges.size());
  std::string joined;
  for (std::size_t rank = 0; rank < parts.merges.size(); ++rank) {
    const auto& [left, right] = parts.merges[rank];
    joined.assign(left).append(right);
    const auto a = ids.find(left);
    const auto b = ids.find(right);
    const auto ab = ids.find(joined);
    if (a == ids.end() || b == ids.end() || ab == ids.end()) {
      return bad_input("the tokenizer's merge {} ('{}' and '{}') names a token that its vocabulary does not hold", rank,
                       clipped(left, 60), clipped(right, 60));
    }
    if (parts.kinds[static_cast<std::size_t>(ab->second)] == TokenKind::control) {
      return bad_input(
          "the tokenizer's merge {} makes the control token '{}', so plain text could forge it; the model "
          "is refused",
          rank, clipped(joined, 60));
    }
    merges.push_back({a->second, b->second, ab->second, static_cast<std::uint32_t>(rank)});
  }
  return merges;
}

// Text may become it: a plain token, or one that only stands for white space. Where spaces are marked, no text becomes
// one spelled with a space itself.
bool is_text(const TokenizerParts& parts, std::size_t id) {
  const std::string& spelling = parts.spellings[id];
  if (parts.alphabet == Alphabet::letters && spelling.find(' ') != std::string::npos) return false;
  return parts.kinds[id] == TokenKind::plain || (parts.kinds[id] == TokenKind::added && is_blank(spelling));
}

// One code point of an alphabet of letters; a mark is a space.
std::optional<std::uint32_t> only_letter(std::string_view spelling) {
  if (spelling.empty() || spelling == " ") return std::nullopt;  // a space in a text has been marked before
  if (spelling == space_mark) return ' ';
  const CodePoint at = code_point_at(spelling, 0);
  if (!at.valid || at.length != spelling.size()) return std::nullopt;
  return at.code;
}

std::vector<std::pair<std::uint32_t, TokenId>> letters_of(const TokenizerParts& parts) {
  std::vector<std::pair<std::uint32_t, TokenId>> letters;
  const auto add = [&](std::string_view spelling, TokenId id) {
    const auto code = only_letter(spelling);
    const TokenKind kind = parts.kinds[static_cast<std::size_t>(id)];
    if (code && kind != TokenKind::unused && kind != TokenKind::control) letters.emplace_back(*code, id);
  };
  for (std::size_t id = 0; id < parts.spellings.size(); ++id) add(parts.spellings[id], static_cast<TokenId>(id));
  for (const auto& [spelling, id] : parts.further_spellings) add(spelling, id);
  return letters;
}

// Ranks by falling score; equal scores share one.
std::vector<std::uint32_t> ranks_of(const std::vector<float>& scores) {
  std::vector<float> falling = scores;
  std::sort(falling.begin(), falling.end(), std::greater<>());
  falling.erase(std::unique(falling.begin(), falling.end()), falling.end());
  std::vector<std::uint32_t> ranks;
  ranks.reserve(scores.size());
  for (const float score : scores) {
    const auto at = std::lower_bound(falling.begin(), falling.end(), score, std::greater<>());
    ranks.push_back(static_cast<std::uint32_t>(at - falling.begin()));
  }
  return ranks;
}

// Every pair of symbols that together spell a token, SentencePiece's way.
class ScoredMerges {
 public:
  explicit ScoredMerges(const TokenizerParts& parts) : parts_(parts), ranks_(ranks_of(parts.scores)) {
    symbols_.reserve(parts.spellings.size());
    for (std::size_t id = 0; id < parts.spellings.size(); ++id) {
      if (is_text(parts, id)) symbols_.emplace(parts.spellings[id], static_cast<TokenId>(id));
    }
    made_.letters = letters_of(parts);
  }

  ResolvedMerges run() && {
    for (std::size_t id = 0; id < parts_.spellings.size(); ++id) {
      if (is_text(parts_, id)) name_letters(parts_.spellings[id]);
    }
    for (std::size_t id = 0; id < parts_.spellings.size(); ++id) {
      if (is_text(parts_, id)) add_merges_to(static_cast<TokenId>(id));
    }
    return std::move(made_);
  }

 private:
  // Letters of `spelling` that are no token become symbols of their own.
  void name_letters(std::string_view spelling) {
    for (std::size_t i = 0; i < spelling.size();) {
      const CodePoint at = code_point_at(spelling, i);
      const std::string_view letter = spelling.substr(i, at.length);
      if (at.valid && spelling.size() > at.length && !symbols_.contains(letter)) {
        const auto symbol = static_cast<TokenId>(parts_.spellings.size() + extra_++);
        symbols_.emplace(letter, symbol);
        made_.letters.emplace_back(letter == space_mark ? ' ' : at.code, symbol);
      }
      i += at.length;
    }
  }

  void add_merges_to(TokenId id) {
    const std::string_view spelling = parts_.spellings[static_cast<std::size_t>(id)];
    for (std::size_t cut = code_point_at(spelling, 0).length; cut < spelling.size();
         cut += code_point_at(spelling, cut).length) {
      const auto left = symbols_.find(spelling.substr(0, cut));
      if (left == symbols_.end()) continue;
      const auto right = symbols_.find(spelling.substr(cut));
      if (right == symbols_.end()) continue;
      made_.merges.push_back({left->second, right->second, id, ranks_[static_cast<std::size_t>(id)]});
    }
  }

  const TokenizerParts& parts_;
  std::vector<std::uint32_t> ranks_;
  IdOfSpelling symbols_;
  std::size_t extra_ = 0;
  ResolvedMerges made_;
};

}  // namespace

bool is_blank(std::string_view spelling) {
  for (std::size_t i = 0; i < spelling.size();) {
    const CodePoint at = code_point_at(spelling, i);
    if (!at.valid || (!is_white_space(at.code) && spelling.substr(i, at.length) != space_mark)) return false;
    i += at.length;
  }
  return true;
}

std::optional<unsigned char> byte_of_spelling(std::string_view spelling) {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling[5] != '>') return std::nullopt;
  unsigned value = 0;
  for (const char c : spelling.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'A' || c > 'F')) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit ? c - '0' : c - 'A' + 10);
  }
  return static_cast<unsigned char>(value);
}

std::pair<std::string_view, std::string_view> split_merge(std::string_view merge) {
  const std::size_t space = merge.find(' ', 1);
  if (space == std::string_view::npos) return {};
  return {merge.substr(0, space), merge.substr(space + 1)};
}

Result<ResolvedMerges> resolve_merges(const TokenizerParts& parts) {
  if (!parts.scores.empty()) {
    HONE_CHECK(parts.scores.size() == parts.spellings.size() && parts.alphabet == Alphabet::letters);
    const auto bad = std::find_if(parts.scores.begin(), parts.scores.end(), [](float s) { return !std::isfinite(s); });
    if (bad != parts.scores.end()) {
      return bad_input("the tokenizer's score of token {} is not a finite number", bad - parts.scores.begin());
    }
    return ScoredMerges(parts).run();
  }
  ResolvedMerges made;
  auto merges = listed_merges(parts, index_spellings(parts));
  if (!merges) return tl::unexpected(merges.error());
  made.merges = std::move(*merges);
  if (parts.alphabet == Alphabet::letters) made.letters = letters_of(parts);
  return made;
}

}  // namespace hone::text
