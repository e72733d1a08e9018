#include "text/letter_pairs.h"

#include <algorithm>

#include "base/error.h"
#include "text/utf8.h"

namespace hone::text {

void LetterPairs::Joints::learn(std::string_view token) {
  // The bytes of one character are never cut apart.
  table_.set((kinds - 1) * kinds + kinds - 1);
  for (std::size_t i = 1; i < token.size(); ++i) {
    table_.set(kind(static_cast<unsigned char>(token[i - 1])) * kinds + kind(static_cast<unsigned char>(token[i])));
  }
}

LetterPairs::LetterPairs(const TokenTable& tokens, const std::vector<bool>& plain, const std::vector<Merge>& merges,
                         Spec spec)
    : spec_(std::move(spec)), vocabulary_(tokens.size()), merges_(merges), whole_(tokens, {}) {
  HONE_CHECK(plain.size() == tokens.size());
  ascii_.fill(no_token);
  for (const auto& [code, symbol] : spec_.letters) {
    if (code < ascii_.size()) {
      ascii_[code] = symbol;
    } else {
      others_[code] = symbol;
    }
    if (static_cast<std::size_t>(symbol) < vocabulary_) continue;
    extra_letters_.resize(std::max(extra_letters_.size(), static_cast<std::size_t>(symbol) - vocabulary_ + 1));
    append_utf8(extra_letters_[static_cast<std::size_t>(symbol) - vocabulary_], code);
  }
  const auto bytes_of = [&](TokenId symbol) -> std::string_view {
    const auto at = static_cast<std::size_t>(symbol);
    return at < vocabulary_ ? tokens[at] : std::string_view(extra_letters_[at - vocabulary_]);
  };
  joints_.learn({});
  std::string joined;
  for (const Merge& merge : merges) joints_.learn(joined.assign(bytes_of(merge.left)).append(bytes_of(merge.right)));

  std::vector<TokenId> found;
  std::vector<TokenId> ids;
  PairScratch scratch;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty() || !plain[id]) continue;
    ids.clear();
    encode_merged(tokens[id], scratch, ids);
    if (ids.size() == 1 && ids[0] == static_cast<TokenId>(id)) found.push_back(ids[0]);
  }
  whole_ = PieceIndex(tokens, found);
}

TokenId LetterPairs::letter(std::uint32_t code) const {
  if (code < ascii_.size()) return ascii_[code];
  const auto found = others_.find(code);
  return found == others_.end() ? no_token : found->second;
}

void LetterPairs::encode(std::string_view text, PairScratch& scratch, std::vector<TokenId>& out) const {
  const std::size_t first = out.size();
  std::size_t begin = 0;
  for (std::size_t at = 1; at <= text.size(); ++at) {
    if (at < text.size() &&
        joints_.joined(static_cast<unsigned char>(text[at - 1]), static_cast<unsigned char>(text[at])) &&
        !(spec_.splits_at_spaces && text[at] == ' ')) {
      continue;
    }
    const std::size_t before = out.size();
    encode_piece(text.substr(begin, at - begin), scratch, out);
    // A run of unknown letters may go across the cut.
    if (spec_.fuses_unknown && spec_.unknown != no_token && before > first && before < out.size() &&
        out[before - 1] == spec_.unknown && out[before] == spec_.unknown) {
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(before));
    }
    begin = at;
  }
}

void LetterPairs::encode_piece(std::string_view piece, PairScratch& scratch, std::vector<TokenId>& out) const {
  if (const TokenId whole = whole_.find(piece); whole != no_token) {
    out.push_back(whole);
  } else {
    encode_merged(piece, scratch, out);
  }
}

void LetterPairs::encode_merged(std::string_view piece, PairScratch& scratch, std::vector<TokenId>& out) const {
  start(piece, scratch);
  merges_.apply(scratch.ids, scratch.merges);
  emit(scratch.ids, out);
}

void LetterPairs::start(std::string_view piece, PairScratch& scratch) const {
  scratch.ids.clear();
  scratch.merges.clear();
  for (std::size_t i = 0; i < piece.size();) {
    const CodePoint at = code_point_at(piece, i);
    const TokenId symbol = at.valid ? letter(at.code) : no_token;
    if (symbol != no_token) {
      add_symbol(symbol, scratch);
    } else {
      add_unlisted(at.valid && at.code == ' ' ? space_mark : piece.substr(i, at.length), scratch);
    }
    i += at.length;
  }
}

void LetterPairs::add_symbol(TokenId symbol, PairScratch& scratch) const {
  if (!scratch.ids.empty()) scratch.merges.push_back(merges_.of(scratch.ids.back(), symbol));
  scratch.ids.push_back(symbol);
}

void LetterPairs::add_unlisted(std::string_view bytes, PairScratch& scratch) const {
  const auto byte_id = [&](char c) { return spec_.byte_ids[static_cast<unsigned char>(c)]; };
  if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return byte_id(c) != no_token; })) {
    for (const char c : bytes) add_symbol(byte_id(c), scratch);
  } else if (spec_.unknown != no_token) {
    if (spec_.fuses_unknown && !scratch.ids.empty() && scratch.ids.back() == spec_.unknown) return;
    add_symbol(spec_.unknown, scratch);
  }
}

void LetterPairs::emit(const std::vector<TokenId>& symbols, std::vector<TokenId>& out) const {
  if (extra_letters_.empty()) {
    out.insert(out.end(), symbols.begin(), symbols.end());
    return;
  }
  PairScratch bytes;
  for (const TokenId symbol : symbols) {
    if (static_cast<std::size_t>(symbol) < vocabulary_) {
      out.push_back(symbol);
      continue;
    }
    bytes.ids.clear();
    add_unlisted(extra_letters_[static_cast<std::size_t>(symbol) - vocabulary_], bytes);
    out.insert(out.end(), bytes.ids.begin(), bytes.ids.end());
  }
}

}  // namespace hone::text
