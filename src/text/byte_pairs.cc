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

// The most bytes a piece may have to be kept in its slot.
constexpr std::size_t slot_bytes = 15;

struct PieceKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::size_t hash() const { return mix64(low ^ (high * 0x9E3779B97F4A7C15ULL)); }
};

// piece.size() <= slot_bytes
PieceKey key_of(std::string_view piece) {
  std::array<unsigned char, 16> bytes{};
  std::copy(piece.begin(), piece.end(), bytes.begin());
  bytes[15] = static_cast<unsigned char>(piece.size());
  PieceKey key;
  std::memcpy(&key.low, bytes.data(), 8);
  std::memcpy(&key.high, bytes.data() + 8, 8);
  return key;
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
  byte_merges_.assign(std::size_t{256} * 256, no_merge);
  for (std::size_t first = 0; first < 256; ++first) {
    for (std::size_t second = 0; second < 256; ++second) {
      if (byte_ids_[first] == no_token || byte_ids_[second] == no_token) continue;
      byte_merges_[first * 256 + second] = merge_of(byte_ids_[first], byte_ids_[second]);
    }
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
  std::vector<TokenId> found;
  Scratch scratch;
  std::vector<TokenId> ids;
  std::size_t count_short = 0;
  for (std::size_t id = 0; id < tokens_->size(); ++id) {
    const std::string_view bytes = (*tokens_)[id];
    if (bytes.empty() || !plain[id]) continue;
    if (whole_pieces == WholePieces::merged) {
      ids.clear();
      encode(bytes, scratch, ids);
      if (ids.size() != 1 || ids[0] != static_cast<TokenId>(id)) continue;
    }
    if (bytes.size() <= slot_bytes) ++count_short;
    found.push_back(static_cast<TokenId>(id));
  }
  short_pieces_.assign(table_size(count_short), ShortPiece{});
  long_pieces_.assign(table_size(found.size() - count_short), no_token);
  for (const TokenId id : found) insert_whole_piece(id);
}

void BytePairs::insert_whole_piece(TokenId id) {
  const std::string_view bytes = (*tokens_)[static_cast<std::size_t>(id)];
  if (bytes.size() <= slot_bytes) {
    const PieceKey key = key_of(bytes);
    std::size_t at = key.hash() & (short_pieces_.size() - 1);
    while (short_pieces_[at].id != no_token) at = (at + 1) & (short_pieces_.size() - 1);
    short_pieces_[at] = {key.low, key.high, id};
  } else {
    std::size_t at = hash64(bytes) & (long_pieces_.size() - 1);
    while (long_pieces_[at] != no_token) at = (at + 1) & (long_pieces_.size() - 1);
    long_pieces_[at] = id;
  }
}

TokenId BytePairs::whole_piece(std::string_view piece) const {
  if (piece.size() <= slot_bytes && !short_pieces_.empty()) {
    const PieceKey key = key_of(piece);
    std::size_t at = key.hash() & (short_pieces_.size() - 1);
    while (short_pieces_[at].id != no_token &&
           (short_pieces_[at].low != key.low || short_pieces_[at].high != key.high)) {
      at = (at + 1) & (short_pieces_.size() - 1);
    }
    return short_pieces_[at].id;
  }
  if (piece.size() > slot_bytes && !long_pieces_.empty()) {
    std::size_t at = hash64(piece) & (long_pieces_.size() - 1);
    while (long_pieces_[at] != no_token && (*tokens_)[static_cast<std::size_t>(long_pieces_[at])] != piece) {
      at = (at + 1) & (long_pieces_.size() - 1);
    }
    return long_pieces_[at];
  }
  return no_token;
}

// Each byte's token, and the merge of each neighbouring pair.
void BytePairs::start(std::string_view piece, Scratch& scratch) const {
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
}

void BytePairs::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  if (const TokenId whole = whole_piece(piece); whole != no_token) {
    out.push_back(whole);
    return;
  }
  start(piece, scratch);
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
