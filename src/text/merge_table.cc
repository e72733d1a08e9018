#include "text/merge_table.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <tuple>

namespace hone::text {
namespace {

// Above this many symbols a heap beats scanning for the least rank.
constexpr std::size_t few = 64;

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

std::size_t hash_of(std::uint64_t key) {
  const std::uint64_t mixed = key * 0xBF58476D1CE4E5B9ULL;
  return mixed ^ (mixed >> 32);
}

std::uint32_t rank_of(std::uint64_t merge) { return static_cast<std::uint32_t>(merge >> 32); }
TokenId symbol_of(std::uint64_t merge) { return static_cast<TokenId>(static_cast<std::uint32_t>(merge)); }

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges)
    : slots_(std::bit_ceil(std::max<std::size_t>(16, merges.size() + merges.size() / 2))) {
  for (const Merge& merge : merges) insert(merge);
}

void MergeTable::insert(const Merge& merge) {
  const std::uint64_t key = pair_key(merge.left, merge.right);
  std::size_t at = hash_of(key) & (slots_.size() - 1);
  while (slots_[at].pair != none && slots_[at].pair != key) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {key, (static_cast<std::uint64_t>(merge.rank) << 32) | static_cast<std::uint32_t>(merge.merged)};
}

std::uint64_t MergeTable::of(TokenId left, TokenId right) const {
  const std::uint64_t key = pair_key(left, right);
  std::size_t at = hash_of(key) & (slots_.size() - 1);
  while (slots_[at].pair != key) {
    if (slots_[at].pair == none) return none;
    at = (at + 1) & (slots_.size() - 1);
  }
  return slots_[at].merge;
}

void MergeTable::apply(std::vector<TokenId>& ids, std::vector<std::uint64_t>& merges) const {
  if (ids.size() <= few) {
    apply_to_few(ids, merges);
  } else {
    apply_to_many(ids);
  }
}

void MergeTable::apply_to_few(std::vector<TokenId>& ids, std::vector<std::uint64_t>& merges) const {
  while (!merges.empty()) {
    const auto least = std::min_element(merges.begin(), merges.end(),
                                        [](std::uint64_t a, std::uint64_t b) { return rank_of(a) < rank_of(b); });
    if (*least == none) return;
    const auto at = static_cast<std::size_t>(least - merges.begin());
    ids[at] = symbol_of(*least);
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    merges.erase(least);
    if (at > 0) merges[at - 1] = of(ids[at - 1], ids[at]);
    if (at + 1 < ids.size()) merges[at] = of(ids[at], ids[at + 1]);
  }
}

void MergeTable::apply_to_many(std::vector<TokenId>& ids) const {
  constexpr std::size_t nowhere = ~std::size_t{0};
  struct Symbol {
    TokenId id;
    std::size_t previous, next;
  };
  // (rank, position, left, right, merged): least rank first, then leftmost; stale where the ids have changed since.
  using Candidate = std::tuple<std::uint32_t, std::size_t, TokenId, TokenId, TokenId>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  std::vector<Symbol> symbols(ids.size());
  const auto consider = [&](std::size_t at) {
    if (at == nowhere || symbols[at].next == nowhere) return;
    const TokenId right = symbols[symbols[at].next].id;
    const std::uint64_t merge = of(symbols[at].id, right);
    if (merge != none) queue.emplace(rank_of(merge), at, symbols[at].id, right, symbol_of(merge));
  };
  for (std::size_t i = 0; i < ids.size(); ++i) {
    symbols[i] = {ids[i], i == 0 ? nowhere : i - 1, i + 1 == ids.size() ? nowhere : i + 1};
  }
  for (std::size_t i = 0; i < ids.size(); ++i) consider(i);
  while (!queue.empty()) {
    const auto [rank, at, left, right, merged] = queue.top();
    queue.pop();
    Symbol& symbol = symbols[at];
    if (symbol.id != left || symbol.next == nowhere || symbols[symbol.next].id != right) continue;
    symbols[symbol.next].id = no_token;
    symbol.id = merged;
    symbol.next = symbols[symbol.next].next;
    if (symbol.next != nowhere) symbols[symbol.next].previous = at;
    consider(symbol.previous);
    consider(at);
  }
  ids.clear();
  for (const Symbol& symbol : symbols) {
    if (symbol.id != no_token) ids.push_back(symbol.id);
  }
}

}  // namespace hone::text
