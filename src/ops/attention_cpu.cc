#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "ops/attention.h"
#include "ops/gemm.h"
#include "ops/softmax_rows.h"

namespace hone::ops {
namespace {

using tensor::Exec;

// Some queries of one item, all the query heads of one key head. Rows of a block: head in group by query,
// row = g * count + i.
struct Block {
  const AttentionPlan::Item* item = nullptr;
  std::int64_t begin = 0;  // first query row
  std::int64_t count = 0;
  std::int64_t kv_head = 0;
};

std::int64_t padded(std::int64_t n) { return (n + 15) / 16 * 16; }

// What all blocks of one call share.
class Geometry {
 public:
  Geometry(const HeadShape& heads, const AttentionPlan& plan) : plan_(plan) {
    HONE_CHECK(heads.kv_heads > 0 && heads.heads % heads.kv_heads == 0 && heads.width > 0);
    group = heads.heads / heads.kv_heads;
    width = heads.width;
    q_stride = static_cast<std::int64_t>(heads.heads) * width;
    k_stride = static_cast<std::int64_t>(heads.kv_heads) * width;
    n_heads = heads.heads;
    kv_heads = heads.kv_heads;
    scale = static_cast<float>(1 / std::sqrt(static_cast<double>(width)));
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
  // Keys that some query of the block sees.
  std::int64_t keys(const Block& block) const {
    return inherited(*block.item) + visible(block.begin + block.count - 1);
  }
  // Queries a block, so that its scores stay in the second-level cache.
  std::int64_t block_queries(const AttentionPlan::Item& item) const {
    if (item.query_count == 0) return 1;
    const std::int64_t keys = inherited(item) + visible(item.query_begin + item.query_count - 1);
    constexpr std::int64_t scores = 128 * 1024;
    return std::clamp<std::int64_t>(scores / (group * keys), 8, 128);
  }
  // Calls f(first key row, number of keys, column of the scores) for the ranges the block sees.
  template <class F>
  void each_range(const Block& block, const F& f) const {
    std::int64_t column = 0;
    for (std::int64_t r = 0; r < block.item->range_count; ++r) {
      const KeyRange& keys = range(*block.item, r);
      const bool own = r + 1 == block.item->range_count;
      const std::int64_t length = own ? visible(block.begin + block.count - 1) : keys.length;
      if (length > 0) f(static_cast<std::int64_t>(keys.begin), length, column);
      column += length;
    }
  }
  // Gathers the block's rows of `source` [queries, heads * width], times `factor`.
  void gather(const Block& block, const float* source, float factor, float* to) const {
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
};

// scores [rows, keys] = q k^T.
void scores_of(const Geometry& geometry, const Block& block, const float* q, const float* keys, float* scores,
               std::int64_t stride) {
  geometry.each_range(block, [&](std::int64_t first, std::int64_t length, std::int64_t column) {
    Gemm p;
    p.b_form = Form::transposed;
    p.m = geometry.group * block.count;
    p.n = length;
    p.k = geometry.width;
    p.a = q;
    p.a_stride = geometry.width;
    p.b = keys + first * geometry.k_stride + block.kv_head * geometry.width;
    p.b_stride = geometry.k_stride;
    p.c = scores + column;
    p.c_stride = stride;
    gemm_here(p);
  });
}

// out [rows, width] = scores times rows of k or v.
void gather_values(const Geometry& geometry, const Block& block, const float* scores, std::int64_t stride,
                   const float* values, float alpha, float* out) {
  bool first_range = true;
  geometry.each_range(block, [&](std::int64_t first, std::int64_t length, std::int64_t column) {
    Gemm p;
    p.m = geometry.group * block.count;
    p.n = geometry.width;
    p.k = length;
    p.alpha = alpha;
    p.a = scores + column;
    p.a_stride = stride;
    p.b = values + first * geometry.k_stride + block.kv_head * geometry.width;
    p.b_stride = geometry.k_stride;
    p.beta = first_range ? 0.0F : 1.0F;
    p.c = out;
    p.c_stride = geometry.width;
    gemm_here(p);
    first_range = false;
  });
}

// Adds scores^T times rows [rows, width] to the keys' or values' gradient.
void scatter_gradient(const Geometry& geometry, const Block& block, const float* scores, std::int64_t stride,
                      const float* rows, float* gradient) {
  geometry.each_range(block, [&](std::int64_t first, std::int64_t length, std::int64_t column) {
    Gemm p;
    p.a_form = Form::transposed;
    p.m = length;
    p.n = geometry.width;
    p.k = geometry.group * block.count;
    p.a = scores + column;
    p.a_stride = stride;
    p.b = rows;
    p.b_stride = geometry.width;
    p.beta = 1;
    p.c = gradient + first * geometry.k_stride + block.kv_head * geometry.width;
    p.c_stride = geometry.k_stride;
    gemm_here(p);
  });
}

void forward_block(Exec& exec, int worker, const Geometry& geometry, const Block& block, const AttentionTensors& in,
                   const AttentionOut& out) {
  const std::int64_t rows = geometry.group * block.count;
  const std::int64_t keys = geometry.keys(block);
  const std::int64_t stride = padded(keys);
  const std::int64_t floats = rows * (stride + 2 * geometry.width);
  float* q = reinterpret_cast<float*>(exec.scratch(worker, static_cast<std::size_t>(floats) * sizeof(float)));
  float* values = q + rows * geometry.width;
  float* scores = values + rows * geometry.width;
  geometry.gather(block, in.q.f32(), geometry.scale, q);
  scores_of(geometry, block, q, in.k.f32(), scores, stride);
  const std::int64_t inherited = geometry.inherited(*block.item);
  float* lse = out.lse.data == nullptr ? nullptr : out.lse.f32();
  const auto head_of = [&](std::int64_t row) { return block.kv_head * geometry.group + row / block.count; };
  const auto query_of = [&](std::int64_t row) { return block.begin + row % block.count; };
  // The denominators wait in q, which is read no more.
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t seen = inherited + geometry.visible(query_of(row));
    float* line = scores + row * stride;
    const SoftmaxSum sum = softmax_unscaled(line, static_cast<std::size_t>(seen));
    std::fill(line + seen, line + keys, 0.0F);
    q[row] = sum.sum;
    if (lse != nullptr) lse[query_of(row) * geometry.n_heads + head_of(row)] = sum.most + std::log(sum.sum);
  }
  gather_values(geometry, block, scores, stride, in.v.f32(), 1, values);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* to = out.out.f32() + query_of(row) * geometry.q_stride + head_of(row) * geometry.width;
    scaled_copy(values + row * geometry.width, 1 / q[row], static_cast<std::size_t>(geometry.width), to);
  }
}

void backward_block(Exec& exec, int worker, const Geometry& geometry, const Block& block, const AttentionTensors& in,
                    const AttentionGradient& g) {
  const std::int64_t rows = geometry.group * block.count;
  const std::int64_t keys = geometry.keys(block);
  const std::int64_t stride = padded(keys);
  const std::int64_t floats = rows * (2 * stride + 3 * geometry.width);
  float* q = reinterpret_cast<float*>(exec.scratch(worker, static_cast<std::size_t>(floats) * sizeof(float)));
  float* dout = q + rows * geometry.width;
  float* dq = dout + rows * geometry.width;
  float* p = dq + rows * geometry.width;
  float* dp = p + rows * stride;
  geometry.gather(block, in.q.f32(), geometry.scale, q);
  geometry.gather(block, g.dout.f32(), 1, dout);
  scores_of(geometry, block, q, in.k.f32(), p, stride);
  scores_of(geometry, block, dout, in.v.f32(), dp, stride);
  const std::int64_t inherited = geometry.inherited(*block.item);
  const auto head_of = [&](std::int64_t row) { return block.kv_head * geometry.group + row / block.count; };
  const auto query_of = [&](std::int64_t row) { return block.begin + row % block.count; };
  const auto width = static_cast<std::size_t>(geometry.width);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t query = query_of(row);
    const std::int64_t head = head_of(row);
    const std::int64_t seen = inherited + geometry.visible(query);
    const float* out = g.out.f32() + query * geometry.q_stride + head * geometry.width;
    const float inner = dot(out, dout + row * geometry.width, width);
    float* p_line = p + row * stride;
    float* dp_line = dp + row * stride;
    softmax_backward(g.lse.f32()[query * geometry.n_heads + head], inner, static_cast<std::size_t>(seen), p_line,
                     dp_line);
    std::fill(p_line + seen, p_line + keys, 0.0F);
    std::fill(dp_line + seen, dp_line + keys, 0.0F);
  }
  scatter_gradient(geometry, block, p, stride, dout, g.dv.f32());
  scatter_gradient(geometry, block, dp, stride, q, g.dk.f32());
  gather_values(geometry, block, dp, stride, in.k.f32(), geometry.scale, dq);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* to = g.dq.f32() + query_of(row) * geometry.q_stride + head_of(row) * geometry.width;
    std::memcpy(to, dq + row * geometry.width, width * sizeof(float));
  }
}

template <class F>
void each_block(const Geometry& geometry, const AttentionPlan::Item& item, std::int64_t kv_head, const F& f) {
  const std::int64_t size = geometry.block_queries(item);
  for (std::int64_t i = 0; i < item.query_count; i += size) {
    f(Block{&item, item.query_begin + i, std::min<std::int64_t>(size, item.query_count - i), kv_head});
  }
}

double cost_of(const Geometry& geometry, const Block& block) {
  return static_cast<double>(block.count + 1) * static_cast<double>(geometry.keys(block));
}

// Units of work go to the workers in order, so that each gets about the same cost.
template <class Unit, class Task>
void share_out(Exec& exec, const std::vector<std::pair<double, Unit>>& units, const Task& task) {
  constexpr double too_little = 4000;  // query-key pairs not worth waking a thread for
  double total = 0;
  for (const auto& unit : units) total += unit.first;
  if (total < too_little || exec.threads().size() == 1) {
    for (const auto& unit : units) task(unit.second, 0);
    return;
  }
  const double workers = exec.threads().size();
  exec.threads().run([&](int worker) {
    double before = 0;
    for (const auto& [cost, unit] : units) {
      const double middle = before + cost / 2;
      before += cost;
      if (static_cast<int>(std::min(workers - 1, std::floor(workers * middle / total))) == worker) task(unit, worker);
    }
  });
}

void check_shapes(const Geometry& geometry, const AttentionPlan& plan, const AttentionTensors& in) {
  const auto queries = static_cast<std::int64_t>(plan.visible.size());
  HONE_CHECK(in.q.shape == tensor::Shape({queries, geometry.q_stride}));
  HONE_CHECK(in.k.shape.rank() == 2 && in.k.shape[1] == geometry.k_stride && in.v.shape == in.k.shape);
  for (const KeyRange& range : plan.ranges) {
    HONE_CHECK(range.begin >= 0 && range.length >= 0 && range.begin + range.length <= in.k.shape[0]);
  }
  for (const AttentionPlan::Item& item : plan.items) {
    HONE_CHECK(item.range_count > 0 && item.query_begin >= 0 && item.query_begin + item.query_count <= queries);
    for (std::int64_t i = 0; i < item.query_count; ++i) {
      const std::int64_t seen = geometry.visible(item.query_begin + i);
      HONE_CHECK(seen >= 1 && seen <= geometry.range(item, item.range_count - 1).length);
      HONE_CHECK(i == 0 || geometry.visible(item.query_begin + i - 1) <= seen);
    }
  }
}

}  // namespace

void attention(Exec& exec, const HeadShape& heads, const AttentionPlan& plan, const AttentionTensors& in,
               const AttentionOut& out) {
  const Geometry geometry(heads, plan);
  check_shapes(geometry, plan, in);
  HONE_CHECK(out.out.shape == in.q.shape);
  std::vector<std::pair<double, Block>> units;
  for (const AttentionPlan::Item& item : plan.items) {
    for (std::int64_t head = 0; head < geometry.kv_heads; ++head) {
      each_block(geometry, item, head,
                 [&](const Block& block) { units.emplace_back(cost_of(geometry, block), block); });
    }
  }
  share_out(exec, units,
            [&](const Block& block, int worker) { forward_block(exec, worker, geometry, block, in, out); });
}

void attention_backward(Exec& exec, const HeadShape& heads, const AttentionPlan& plan, const AttentionTensors& in,
                        const AttentionGradient& g) {
  const Geometry geometry(heads, plan);
  check_shapes(geometry, plan, in);
  HONE_CHECK(g.dq.shape == in.q.shape && g.dout.shape == in.q.shape && g.out.shape == in.q.shape);
  HONE_CHECK(g.dk.shape == in.k.shape && g.dv.shape == in.k.shape);
  HONE_CHECK(!plan.groups.empty() && plan.groups.back() == static_cast<std::int32_t>(plan.items.size()));
  struct Unit {
    std::int32_t group;
    std::int64_t head;
  };
  std::vector<std::pair<double, Unit>> units;
  const auto items_of = [&](std::int32_t group) {
    const auto first = static_cast<std::size_t>(plan.groups[static_cast<std::size_t>(group)]);
    const auto last = static_cast<std::size_t>(plan.groups[static_cast<std::size_t>(group) + 1]);
    return std::span<const AttentionPlan::Item>(plan.items).subspan(first, last - first);
  };
  for (std::int32_t group = 0; group + 1 < static_cast<std::int32_t>(plan.groups.size()); ++group) {
    double cost = 0;
    for (const AttentionPlan::Item& item : items_of(group)) {
      each_block(geometry, item, 0, [&](const Block& block) { cost += cost_of(geometry, block); });
    }
    for (std::int64_t head = 0; head < geometry.kv_heads; ++head) units.emplace_back(cost, Unit{group, head});
  }
  share_out(exec, units, [&](const Unit& unit, int worker) {
    for (const AttentionPlan::Item& item : items_of(unit.group)) {
      each_block(geometry, item, unit.head,
                 [&](const Block& block) { backward_block(exec, worker, geometry, block, in, g); });
    }
  });
}

}  // namespace hone::ops
