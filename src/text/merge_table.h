// Which pairs of symbols merge, and in which order: the core of byte-pair encoding (Sennrich et al. 2016).
#pragma once

#include <cstdint>
#include <vector>

#include "text/token_id.h"

namespace hone::text {

struct Merge {
  TokenId left = 0;
  TokenId right = 0;
  TokenId merged = 0;
  std::uint32_t rank = 0;  // lower ones first; several merges may share one
};

class MergeTable {
 public:
  static constexpr std::uint64_t none = ~0ULL;

  // Of two merges of the same pair the later one counts.
  explicit MergeTable(const std::vector<Merge>& merges);
  // Rank in the upper, resulting symbol in the lower 32 bits; `none` where the pair never merges.
  std::uint64_t of(TokenId left, TokenId right) const;
  // Merges neighbours in `ids` until no pair is left that merges: the least rank first, the leftmost of equal ones.
  // `merges` holds of(ids[i], ids[i + 1]) for each i; its content is lost. O(n log n).
  void apply(std::vector<TokenId>& ids, std::vector<std::uint64_t>& merges) const;

 private:
  struct Slot {
    std::uint64_t pair = none;
    std::uint64_t merge = none;
  };
  void insert(const Merge& merge);
  void apply_to_few(std::vector<TokenId>& ids, std::vector<std::uint64_t>& merges) const;
  void apply_to_many(std::vector<TokenId>& ids) const;

  std::vector<Slot> slots_;  // open addressing by pair
};

}  // namespace hone::text
