#include "text/piece_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/hash.h"

namespace hone::text {
namespace {

// The most bytes a piece may have to be kept in its slot.
constexpr std::size_t slot_bytes = 15;

struct PieceKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::size_t hash() const {
    const std::uint64_t mixed = (low ^ (high * 0x9E3779B97F4A7C15ULL)) * 0xBF58476D1CE4E5B9ULL;
    return mixed ^ (mixed >> 32);
  }
};

std::uint64_t load(const char* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// piece.size() <= slot_bytes. Loads of fixed width, overlapping where the piece is shorter, cost a few instructions; a
// copy of variable length costs a call.
PieceKey key_of(std::string_view piece) {
  PieceKey key;
  const std::size_t size = piece.size();
  if (size >= 8) {
    key.low = load(piece.data());
    // The last 8 bytes, those that `low` holds shifted out.
    if (size > 8) key.high = load(piece.data() + size - 8) >> (8 * (16 - size));
  } else if (size >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, piece.data(), 4);
    std::memcpy(&last, piece.data() + size - 4, 4);
    key.low = first | (static_cast<std::uint64_t>(last) << (8 * (size - 4)));
  } else {
    for (std::size_t i = 0; i < size; ++i) {
      key.low |= static_cast<std::uint64_t>(static_cast<unsigned char>(piece[i])) << (8 * i);
    }
  }
  key.high |= static_cast<std::uint64_t>(size) << 56;
  return key;
}

// At most two thirds full: a smaller table stays in the cache, and that is worth more than fewer probes.
std::size_t table_size(std::size_t entries) { return std::bit_ceil(std::max<std::size_t>(16, entries + entries / 2)); }

}  // namespace

PieceIndex::PieceIndex(const TokenTable& tokens, const std::vector<TokenId>& ids) : tokens_(&tokens) {
  const auto is_short = [&](TokenId id) { return tokens[static_cast<std::size_t>(id)].size() <= slot_bytes; };
  const auto count_short = static_cast<std::size_t>(std::count_if(ids.begin(), ids.end(), is_short));
  short_.assign(table_size(count_short), ShortPiece{});
  long_.assign(table_size(ids.size() - count_short), no_token);
  for (const TokenId id : ids) insert(id);
}

void PieceIndex::insert(TokenId id) {
  const std::string_view bytes = (*tokens_)[static_cast<std::size_t>(id)];
  if (bytes.size() <= slot_bytes) {
    const PieceKey key = key_of(bytes);
    std::size_t at = key.hash() & (short_.size() - 1);
    while (short_[at].id != no_token) at = (at + 1) & (short_.size() - 1);
    short_[at] = {key.low, key.high, id};
  } else {
    std::size_t at = hash64(bytes) & (long_.size() - 1);
    while (long_[at] != no_token) at = (at + 1) & (long_.size() - 1);
    long_[at] = id;
  }
}

TokenId PieceIndex::find(std::string_view piece) const {
  if (piece.size() <= slot_bytes) {
    const PieceKey key = key_of(piece);
    std::size_t at = key.hash() & (short_.size() - 1);
    while (short_[at].id != no_token && (short_[at].low != key.low || short_[at].high != key.high)) {
      at = (at + 1) & (short_.size() - 1);
    }
    return short_[at].id;
  }
  std::size_t at = hash64(piece) & (long_.size() - 1);
  while (long_[at] != no_token && (*tokens_)[static_cast<std::size_t>(long_[at])] != piece) {
    at = (at + 1) & (long_.size() - 1);
  }
  return long_[at];
}

}  // namespace hone::text
