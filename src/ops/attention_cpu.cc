#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "ops/attention_tile.h"
#include "ops/gemm.h"
#include "ops/softmax_rows.h"

namespace hone::ops {
namespace {

using tensor::Exec;

// scores [rows, keys] = q k^T.
void scores_of(const ScoreTile& tile, const float* q, const float* keys, float* scores) {
  const AttentionGeometry& geometry = tile.geometry;
  tile.each_range([&](std::int64_t first, std::int64_t length, std::int64_t column) {
    Gemm p;
    p.b_form = Form::transposed;
    p.m = tile.rows;
    p.n = length;
    p.k = geometry.width;
    p.a = q;
    p.a_stride = geometry.width;
    p.b = keys + first * geometry.k_stride + tile.block.kv_head * geometry.width;
    p.b_stride = geometry.k_stride;
    p.c = scores + column;
    p.c_stride = tile.stride;
    gemm_here(p);
  });
}

// out [rows, width] = alpha times scores times rows of k or v.
void gather_values(const ScoreTile& tile, const float* scores, const float* values, float alpha, float* out) {
  const AttentionGeometry& geometry = tile.geometry;
  bool first_range = true;
  tile.each_range([&](std::int64_t first, std::int64_t length, std::int64_t column) {
    Gemm p;
    p.m = tile.rows;
    p.n = geometry.width;
    p.k = length;
    p.alpha = alpha;
    p.a = scores + column;
    p.a_stride = tile.stride;
    p.b = values + first * geometry.k_stride + tile.block.kv_head * geometry.width;
    p.b_stride = geometry.k_stride;
    p.beta = first_range ? 0.0F : 1.0F;
    p.c = out;
    p.c_stride = geometry.width;
    gemm_here(p);
    first_range = false;
  });
}

// Adds scores^T times rows [rows, width] to the keys' or values' gradient.
void scatter_gradient(const ScoreTile& tile, const float* scores, const float* rows, float* gradient) {
  const AttentionGeometry& geometry = tile.geometry;
  tile.each_range([&](std::int64_t first, std::int64_t length, std::int64_t column) {
    Gemm p;
    p.a_form = Form::transposed;
    p.m = length;
    p.n = geometry.width;
    p.k = tile.rows;
    p.a = scores + column;
    p.a_stride = tile.stride;
    p.b = rows;
    p.b_stride = geometry.width;
    p.beta = 1;
    p.c = gradient + first * geometry.k_stride + tile.block.kv_head * geometry.width;
    p.c_stride = geometry.k_stride;
    gemm_here(p);
  });
}

// `count` floats of a worker's scratch.
float* scratch(Exec& exec, int worker, std::int64_t count) {
  return reinterpret_cast<float*>(exec.scratch(worker, static_cast<std::size_t>(count) * sizeof(float)));
}

std::int64_t forward_floats(const ScoreTile& tile) { return tile.rows * (tile.stride + 2 * tile.geometry.width); }

void forward_block(const ScoreTile& tile, float* memory, const AttentionTensors& in, const AttentionOut& out) {
  const AttentionGeometry& geometry = tile.geometry;
  float* q = memory;
  float* values = q + tile.rows * geometry.width;
  float* scores = values + tile.rows * geometry.width;
  geometry.gather(tile.block, in.q.f32(), geometry.scale, q);
  scores_of(tile, q, in.k.f32(), scores);
  float* lse = out.lse.data == nullptr ? nullptr : out.lse.f32();
  // The denominators wait in q, which is read no more.
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    const ScoreTile::Seen seen = tile.seen(row);
    float* line = scores + row * tile.stride;
    const SoftmaxSum sum = softmax_unscaled(line + seen.first, static_cast<std::size_t>(seen.last - seen.first));
    tile.clear_unseen(line, seen);
    q[row] = sum.sum;
    if (lse != nullptr) lse[tile.query_of(row) * geometry.n_heads + tile.head_of(row)] = sum.most + std::log(sum.sum);
  }
  gather_values(tile, scores, in.v.f32(), 1, values);
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    float* to = out.out.f32() + tile.query_of(row) * geometry.q_stride + tile.head_of(row) * geometry.width;
    scaled_copy(values + row * geometry.width, 1 / q[row], static_cast<std::size_t>(geometry.width), to);
  }
}

std::int64_t backward_floats(const ScoreTile& tile) { return tile.rows * (2 * tile.stride + 3 * tile.geometry.width); }

void backward_block(const ScoreTile& tile, float* memory, const AttentionTensors& in, const AttentionGradient& g) {
  const AttentionGeometry& geometry = tile.geometry;
  const std::int64_t rows = tile.rows;
  float* q = memory;
  float* dout = q + rows * geometry.width;
  float* dq = dout + rows * geometry.width;
  float* p = dq + rows * geometry.width;
  float* dp = p + rows * tile.stride;
  geometry.gather(tile.block, in.q.f32(), geometry.scale, q);
  geometry.gather(tile.block, g.dout.f32(), 1, dout);
  scores_of(tile, q, in.k.f32(), p);
  scores_of(tile, dout, in.v.f32(), dp);
  const auto width = static_cast<std::size_t>(geometry.width);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t query = tile.query_of(row);
    const std::int64_t head = tile.head_of(row);
    const ScoreTile::Seen seen = tile.seen(row);
    const float* out = g.out.f32() + query * geometry.q_stride + head * geometry.width;
    const float inner = dot(out, dout + row * geometry.width, width);
    float* p_line = p + row * tile.stride;
    float* dp_line = dp + row * tile.stride;
    softmax_backward(g.lse.f32()[query * geometry.n_heads + head], inner,
                     static_cast<std::size_t>(seen.last - seen.first), p_line + seen.first, dp_line + seen.first);
    tile.clear_unseen(p_line, seen);
    tile.clear_unseen(dp_line, seen);
  }
  scatter_gradient(tile, p, dout, g.dv.f32());
  scatter_gradient(tile, dp, q, g.dk.f32());
  gather_values(tile, dp, in.k.f32(), geometry.scale, dq);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* to = g.dq.f32() + tile.query_of(row) * geometry.q_stride + tile.head_of(row) * geometry.width;
    std::memcpy(to, dq + row * geometry.width, width * sizeof(float));
  }
}

template <class F>
void each_block(const AttentionGeometry& geometry, const AttentionPlan::Item& item, std::int64_t kv_head, const F& f) {
  const std::int64_t size = geometry.block_queries(item);
  for (std::int64_t i = 0; i < item.query_count; i += size) {
    f(QueryBlock{&item, item.query_begin + i, std::min<std::int64_t>(size, item.query_count - i), kv_head});
  }
}

double cost_of(const AttentionGeometry& geometry, const QueryBlock& block) {
  return static_cast<double>(block.count + 1) * static_cast<double>(ScoreTile(geometry, block).keys);
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

void check_shapes(const AttentionGeometry& geometry, const AttentionPlan& plan, const AttentionTensors& in) {
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
  const AttentionGeometry geometry(heads, plan);
  check_shapes(geometry, plan, in);
  HONE_CHECK(out.out.shape == in.q.shape);
  std::vector<std::pair<double, QueryBlock>> units;
  for (const AttentionPlan::Item& item : plan.items) {
    for (std::int64_t head = 0; head < geometry.kv_heads; ++head) {
      each_block(geometry, item, head,
                 [&](const QueryBlock& block) { units.emplace_back(cost_of(geometry, block), block); });
    }
  }
  share_out(exec, units, [&](const QueryBlock& block, int worker) {
    const ScoreTile tile(geometry, block);
    forward_block(tile, scratch(exec, worker, forward_floats(tile)), in, out);
  });
}

void attention_backward(Exec& exec, const HeadShape& heads, const AttentionPlan& plan, const AttentionTensors& in,
                        const AttentionGradient& g) {
  const AttentionGeometry geometry(heads, plan);
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
      each_block(geometry, item, 0, [&](const QueryBlock& block) { cost += cost_of(geometry, block); });
    }
    for (std::int64_t head = 0; head < geometry.kv_heads; ++head) units.emplace_back(cost, Unit{group, head});
  }
  share_out(exec, units, [&](const Unit& unit, int worker) {
    for (const AttentionPlan::Item& item : items_of(unit.group)) {
      each_block(geometry, item, unit.head, [&](const QueryBlock& block) {
        const ScoreTile tile(geometry, block);
        backward_block(tile, scratch(exec, worker, backward_floats(tile)), in, g);
      });
    }
  });
}

}  // namespace hone::ops
