// How attention cuts its queries into blocks, and which keys a block's scores hold. Seen by attention_cpu.cc only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/error.h"
#include "ops/attention.h"
#include "ops/softmax_rows.h"

namespace hone::ops {

// Some queries of one item, all the query heads of one key head. Rows of a block: head in group by query,
// row = g * count + i.
struct QueryBlock {
  const AttentionPlan::Item* item = nullptr;
  std::int64_t begin = 0;  // first query row
  std::int64_t count = 0;
  std::int64_t kv_head = 0;
};

// What all blocks of one call share.
class AttentionGeometry {
 public:
  AttentionGeometry(const HeadShape& heads, const AttentionPlan& plan) : plan_(plan), window_(heads.window) {
    HONE_CHECK(heads.kv_heads > 0 && heads.heads % heads.kv_heads == 0 && heads.width > 0 && heads.window >= 0);
    group = heads.heads / heads.kv_heads;
    width = heads.width;
    q_stride = static_cast<std::int64_t>(heads.heads) * width;
    k_stride = static_cast<std::int64_t>(heads.kv_heads) * width;
    n_heads = heads.heads;
    kv_heads = heads.kv_heads;
    scale = heads.scale > 0 ? heads.scale : static_cast<float>(1 / std::sqrt(static_cast<double>(width)));
  }

  std::int64_t visible(std::int64_t query) const { return plan_.visible[static_cast<std::size_t>(query)]; }
  const KeyRange& range(const AttentionPlan::Item& item, std::int64_t r) const {
    return plan_.ranges[static_cast<std::size_t>(item.first_range + r)];
  }
  // Keys of the ranges before the last.
  std::int64_t inherited(const AttentionPlan::Item& item) const {
    std::int64_t keys = 0;
    for (std::int64_t r = 0; r + 1 < item.range_count; ++r) keys += range(item, r).length;
    return keys;
  }
  // The first key a query sees when `end` keys come up to and with its own.
  std::int64_t first_of(std::int64_t end) const { return window_ == 0 ? 0 : std::max<std::int64_t>(0, end - window_); }
  // Queries a block, so that its scores stay in the second-level cache.
  std::int64_t block_queries(const AttentionPlan::Item& item) const {
    if (item.query_count == 0) return 1;
    constexpr std::int64_t most = 128;
    std::int64_t keys = inherited(item) + visible(item.query_begin + item.query_count - 1);
    if (window_ > 0) keys = std::min<std::int64_t>(keys, window_ + most);
    constexpr std::int64_t scores = 128 * 1024;
    return std::clamp<std::int64_t>(scores / (group * keys), 8, most);
  }
  // Gathers the block's rows of `source` [queries, heads * width], times `factor`.
  void gather(const QueryBlock& block, const float* source, float factor, float* to) const {
    for (std::int64_t g = 0; g < group; ++g) {
      for (std::int64_t i = 0; i < block.count; ++i) {
        const float* from = source + (block.begin + i) * q_stride + (block.kv_head * group + g) * width;
        scaled_copy(from, factor, static_cast<std::size_t>(width), to);
        to += width;
      }
    }
  }

  std::int64_t group, width, q_stride, k_stride, n_heads, kv_heads;
  float scale;

 private:
  const AttentionPlan& plan_;
  std::int64_t window_;
};

// The scores of one block: [rows, keys], a row `stride` long. Its keys are those between the first that its first query
// sees and the last that its last one sees, counted over all ranges of its item.
class ScoreTile {
 public:
  ScoreTile(const AttentionGeometry& geometry_of, const QueryBlock& block_of) : geometry(geometry_of), block(block_of) {
    inherited_ = geometry.inherited(*block.item);
    first_ = geometry.first_of(inherited_ + geometry.visible(block.begin));
    rows = geometry.group * block.count;
    keys = inherited_ + geometry.visible(block.begin + block.count - 1) - first_;
    stride = (keys + 15) / 16 * 16;
  }

  std::int64_t query_of(std::int64_t row) const { return block.begin + row % block.count; }
  std::int64_t head_of(std::int64_t row) const { return block.kv_head * geometry.group + row / block.count; }
  // Columns [first, last) of a row that its query sees.
  struct Seen {
    std::int64_t first;
    std::int64_t last;
  };
  Seen seen(std::int64_t row) const {
    const std::int64_t end = inherited_ + geometry.visible(query_of(row));
    return {geometry.first_of(end) - first_, end - first_};
  }
  // Zeroes what a row's query does not see.
  void clear_unseen(float* line, const Seen& seen) const {
    std::fill(line, line + seen.first, 0.0F);
    std::fill(line + seen.last, line + keys, 0.0F);
  }
  // Calls f(first key row, number of keys, column) for the parts of ranges that lie in the tile.
  template <class F>
  void each_range(const F& f) const {
    std::int64_t column = -first_;
    for (std::int64_t r = 0; r < block.item->range_count && column < keys; ++r) {
      const KeyRange& range = geometry.range(*block.item, r);
      const std::int64_t begin = std::max<std::int64_t>(column, 0);
      const std::int64_t end = std::min<std::int64_t>(column + range.length, keys);
      if (begin < end) f(range.begin + begin - column, end - begin, begin);
      column += range.length;
    }
  }

  const AttentionGeometry& geometry;
  const QueryBlock& block;
  std::int64_t rows, keys, stride;

 private:
  std::int64_t inherited_, first_;
};

}  // namespace hone::ops
