// Attention over packed token trees: a stretch's queries see all keys of its ancestors and, causally, its own; in a
// sliding layer only the nearest ones.
// Nothing of size length x length is kept: queries go in blocks, and the backward pass starts from each row's
// log-sum-exp.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/exec.h"

namespace hone::ops {

struct HeadShape {
  int heads = 0;
  int kv_heads = 0;  // query head h reads key head h / (heads / kv_heads)
  int width = 0;
  float scale = 0;  // of q k^T; 0: 1 / sqrt(width)
  // A query sees the last `window` of the keys its plan gives it, its own among them; 0: all of them.
  int window = 0;
};

// Consecutive rows of keys and values.
struct KeyRange {
  std::int32_t begin = 0;
  std::int32_t length = 0;
};

// Which keys each query row sees.
struct AttentionPlan {
  // Query rows [query_begin, query_begin + query_count) see ranges[first_range ..][0, range_count): all but the last
  // whole, of the last one the first visible[row] keys (rising with the row, at least 1).
  struct Item {
    std::int32_t query_begin = 0;
    std::int32_t query_count = 0;
    std::int32_t first_range = 0;
    std::int32_t range_count = 0;
  };
  std::vector<Item> items;
  std::vector<KeyRange> ranges;
  std::vector<std::int32_t> visible;  // a query row each
  // First items of groups that share no keys with each other; ends with items.size(). The backward pass runs groups in
  // parallel and each group's items in order.
  std::vector<std::int32_t> groups;
};

// All f32. q, out [queries, heads * width]; k, v [keys, kv_heads * width].
struct AttentionTensors {
  tensor::ConstView q;
  tensor::ConstView k;
  tensor::ConstView v;
};

struct AttentionOut {
  tensor::View out;  // softmax(scale q k^T) v
  tensor::View lse;  // [queries, heads] log of the softmax's denominator; data null: not wanted
};

void attention(tensor::Exec& exec, const HeadShape& heads, const AttentionPlan& plan, const AttentionTensors& in,
               const AttentionOut& out);

struct AttentionGradient {
  tensor::ConstView out;   // as attention() left it
  tensor::ConstView lse;   // as attention() left it
  tensor::ConstView dout;  // [queries, heads * width]
  tensor::View dq;         // set
  tensor::View dk;         // added to, in the order of the plan's items
  tensor::View dv;         // added to
};

void attention_backward(tensor::Exec& exec, const HeadShape& heads, const AttentionPlan& plan,
                        const AttentionTensors& in, const AttentionGradient& gradient);

}  // namespace hone::ops
