#include "text/byte_pairs.h"

#include "base/error.h"

namespace hone::text {

BytePairs::BytePairs(const TokenTable& tokens, const std::vector<bool>& plain, const std::vector<Merge>& merges,
                     WholePieces whole)
    : merges_(merges), byte_merges_(std::size_t{256} * 256, MergeTable::none), whole_(tokens, {}) {
  HONE_CHECK(plain.size() == tokens.size());
  byte_ids_.fill(no_token);
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].size() == 1 && plain[id])
      byte_ids_[static_cast<unsigned char>(tokens[id][0])] = static_cast<TokenId>(id);
  }
  for (std::size_t first = 0; first < 256; ++first) {
    for (std::size_t second = 0; second < 256; ++second) {
      if (byte_ids_[first] == no_token || byte_ids_[second] == no_token) continue;
      byte_merges_[first * 256 + second] = merges_.of(byte_ids_[first], byte_ids_[second]);
    }
  }
  whole_ = PieceIndex(tokens, whole_pieces(tokens, plain, whole));
}

std::vector<TokenId> BytePairs::whole_pieces(const TokenTable& tokens, const std::vector<bool>& plain,
                                             WholePieces whole) const {
  std::vector<TokenId> found;
  std::vector<TokenId> ids;
  PairScratch scratch;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty() || !plain[id]) continue;
    if (whole == WholePieces::merged) {
      ids.clear();
      encode_merged(tokens[id], scratch, ids);
      if (ids.size() != 1 || ids[0] != static_cast<TokenId>(id)) continue;
    }
    found.push_back(static_cast<TokenId>(id));
  }
  return found;
}

void BytePairs::encode(std::string_view piece, PairScratch& scratch, std::vector<TokenId>& out) const {
  if (const TokenId whole = whole_.find(piece); whole != no_token) {
    out.push_back(whole);
    return;
  }
  encode_merged(piece, scratch, out);
}

void BytePairs::encode_merged(std::string_view piece, PairScratch& scratch, std::vector<TokenId>& out) const {
  scratch.ids.clear();
  scratch.merges.clear();
  std::size_t before = 0;
  for (const char c : piece) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte_ids_[byte] == no_token) continue;
    if (!scratch.ids.empty()) scratch.merges.push_back(byte_merges_[before * 256 + byte]);
    scratch.ids.push_back(byte_ids_[byte]);
    before = byte;
  }
  merges_.apply(scratch.ids, scratch.merges);
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

}  // namespace hone::text
