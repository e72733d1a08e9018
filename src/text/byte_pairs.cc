#include "text/byte_pairs.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <queue>
#include <tuple>

#include "base/error.h"
#include "base/hash.h"

namespace hone::text {
namespace {

constexpr std::uint64_t no_merge = ~0ULL;
constexpr TokenId no_token = -1;
// Above this many symbols a heap beats scanning for the least rank.
constexpr std::size_t short_piece = 64;

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

std::uint64_t piece_hash(std::string_view piece) {
  if (piece.size() > 16) return hash64(piece);
  std::uint64_t low = 0;
  std::uint64_t high = piece.size();
  std::memcpy(&low, piece.data(), std::min<std::size_t>(8, piece.size()));
  if (piece.size() > 8) {
    std::uint64_t tail = 0;
    std::memcpy(&tail, piece.data() + piece.size() - 8, 8);
    high ^= std::rotl(tail, 29);
  }
  return mix64(low ^ mix64(high));
}

std::size_t table_size(std::size_t entries) { return std::bit_ceil(std::max<std::size_t>(16, entries * 2)); }

}  // namespace

BytePairs::BytePairs(const TokenTable& tokens, const std::vector<bool>& plain, const std::vector<Merge>& merges,
                     WholePieces whole_pieces)
    : tokens_(&tokens), slots_(table_size(merges.size()), Slot{no_merge, no_merge}) {
  HONE_CHECK(plain.size() == tokens.size());
  byte_ids_.fill(no_token);
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].size() == 1 && plain[id])
      byte_ids_[static_cast<unsigned char>(tokens[id][0])] = static_cast<TokenId>(id);
  }
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    insert(merges[rank].left, merges[rank].right,
           (static_cast<std::uint64_t>(rank) << 32) | static_cast<std::uint32_t>(merges[rank].merged));
  }
  index_whole_pieces(plain, whole_pieces);
}

void BytePairs::insert(TokenId left, TokenId right, std::uint64_t merge) {
  const std::uint64_t key = pair_key(left, right);
  std::size_t at = mix64(key) & (slots_.size() - 1);
  while (slots_[at].pair != no_merge && slots_[at].pair != key) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {key, merge};
}

std::uint64_t BytePairs::merge_of(TokenId left, TokenId right) const {
  const std::uint64_t key = pair_key(left, right);
  std::size_t at = mix64(key) & (slots_.size() - 1);
  while (slots_[at].pair != key) {
    if (slots_[at].pair == no_merge) return no_merge;
    at = (at + 1) & (slots_.size() - 1);
  }
  return slots_[at].merge;
}

void BytePairs::index_whole_pieces(const std::vector<bool>& plain, WholePieces whole_pieces) {
  std::vector<std::pair<std::uint64_t, TokenId>> found;
  Scratch scratch;
  std::vector<TokenId> ids;
  for (std::size_t id = 0; id < tokens_->size(); ++id) {
    const std::string_view bytes = (*tokens_)[id];
    if (bytes.empty() || !plain[id]) continue;
    if (whole_pieces == WholePieces::merged) {
      ids.clear();
      encode(bytes, scratch, ids);
      if (ids.size() != 1 || ids[0] != static_cast<TokenId>(id)) continue;
    }
    found.emplace_back(piece_hash(bytes), static_cast<TokenId>(id));
  }
  pieces_.assign(table_size(found.size()), {0, no_token});
  for (const auto& [hash, id] : found) {
    std::size_t at = hash & (pieces_.size() - 1);
    while (pieces_[at].second != no_token) at = (at + 1) & (pieces_.size() - 1);
    pieces_[at] = {static_cast<std::uint32_t>(hash >> 32), id};
  }
}

TokenId BytePairs::whole_piece(std::string_view piece) const {
  if (pieces_.empty()) return no_token;
  const std::uint64_t hash = piece_hash(piece);
  const auto upper = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & (pieces_.size() - 1); pieces_[at].second != no_token;
       at = (at + 1) & (pieces_.size() - 1)) {
    if (pieces_[at].first == upper && (*tokens_)[static_cast<std::size_t>(pieces_[at].second)] == piece) {
      return pieces_[at].second;
    }
  }
  return no_token;
}

void BytePairs::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  if (const TokenId whole = whole_piece(piece); whole != no_token) {
    out.push_back(whole);
    return;
  }
  scratch.ids.clear();
  for (const char byte : piece) {
    if (const TokenId id = byte_ids_[static_cast<unsigned char>(byte)]; id != no_token) scratch.ids.push_back(id);
  }
  if (scratch.ids.size() <= short_piece) {
    merge_short(scratch);
  } else {
    merge_long(scratch.ids);
  }
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

void BytePairs::merge_short(Scratch& scratch) const {
  std::vector<TokenId>& ids = scratch.ids;
  std::vector<std::uint64_t>& merges = scratch.merges;
  merges.clear();
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) merges.push_back(merge_of(ids[i], ids[i + 1]));
  while (!merges.empty()) {
    const auto least = std::min_element(merges.begin(), merges.end());
    if (*least == no_merge) return;
    const auto at = static_cast<std::size_t>(least - merges.begin());
    ids[at] = static_cast<TokenId>(static_cast<std::uint32_t>(*least));
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    merges.erase(least);
    if (at > 0) merges[at - 1] = merge_of(ids[at - 1], ids[at]);
    if (at + 1 < ids.size()) merges[at] = merge_of(ids[at], ids[at + 1]);
  }
}

void BytePairs::merge_long(std::vector<TokenId>& ids) const {
  constexpr std::size_t none = ~std::size_t{0};
  struct Symbol {
    TokenId id;
    std::size_t previous, next;
  };
  // (merge, position, left, right): least rank first, then leftmost; stale where the ids have changed since.
  using Candidate = std::tuple<std::uint64_t, std::size_t, TokenId, TokenId>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  std::vector<Symbol> symbols(ids.size());
  const auto consider = [&](std::size_t at) {
    if (at == none || symbols[at].next == none) return;
    const TokenId right = symbols[symbols[at].next].id;
    const std::uint64_t merge = merge_of(symbols[at].id, right);
    if (merge != no_merge) queue.emplace(merge, at, symbols[at].id, right);
  };
  for (std::size_t i = 0; i < ids.size(); ++i) {
    symbols[i] = {ids[i], i == 0 ? none : i - 1, i + 1 == ids.size() ? none : i + 1};
  }
  for (std::size_t i = 0; i < ids.size(); ++i) consider(i);
  while (!queue.empty()) {
    const auto [merge, at, left, right] = queue.top();
    queue.pop();
    Symbol& symbol = symbols[at];
    if (symbol.id != left || symbol.next == none || symbols[symbol.next].id != right) continue;
    symbols[symbol.next].id = no_token;
    symbol.id = static_cast<TokenId>(static_cast<std::uint32_t>(merge));
    symbol.next = symbols[symbol.next].next;
    if (symbol.next != none) symbols[symbol.next].previous = at;
    consider(symbol.previous);
    consider(at);
  }
  ids.clear();
  for (const Symbol& symbol : symbols) {
    if (symbol.id != no_token) ids.push_back(symbol.id);
  }
}

}  // namespace hone::text
