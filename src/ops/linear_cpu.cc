#include <algorithm>

#include "ops/gemm.h"
#include "ops/int8_map.h"
#include "ops/linear.h"
#include "ops/linear_int8.h"
#include "ops/matvec.h"

namespace hone::ops {
namespace {

using tensor::Exec;

constexpr std::int64_t matvec_grain = 4096;  // weights a slice, so that tiny maps stay on one thread

// Both products of a pair, the second one added to the first's result, cut alike over the threads. `before_rows(begin,
// end)` makes what the second one reads.
template <class Before>
void run_pair(Exec& exec, const Gemm& first, const Gemm* second, const Before& before_rows) {
  const bool by_rows = cut_by_rows(exec.threads().size(), first.m, first.n);
  const std::int64_t count = by_rows ? first.m : first.n;
  const std::int64_t grain = by_rows ? 8 : 16;
  if (!by_rows && second != nullptr) before_rows(0, first.m);
  exec.threads().for_slices(static_cast<std::size_t>((count + grain - 1) / grain), 1,
                            [&](std::size_t from, std::size_t to, int) {
                              const std::int64_t begin = static_cast<std::int64_t>(from) * grain;
                              const std::int64_t end = std::min(count, static_cast<std::int64_t>(to) * grain);
                              gemm_here(by_rows ? first.rows(begin, end) : first.columns(begin, end));
                              if (second == nullptr) return;
                              if (by_rows) before_rows(begin, end);
                              gemm_here(by_rows ? second->rows(begin, end) : second->columns(begin, end));
                            });
}

// Calls use(begin, end, rows) for the weight's rows [begin, end) as f32, all of them in order: the weight's own where
// it is kept as f32, else tile by tile, widened by all threads.
template <class Use>
void for_tiles(Exec& exec, const Weight& weight, const Use& use) {
  if (weight.kind() == WeightKind::f32) return use(0, weight.out(), weight.f32());
  const std::int64_t in = weight.in();
  const std::int64_t most = std::max<std::int64_t>(16, most_tile_values / in / 16 * 16);
  tensor::Arena::Scope scope(exec.arena());
  float* tile = exec.arena().floats(std::min(most, weight.out()) * in);
  for (std::int64_t begin = 0; begin < weight.out(); begin += most) {
    const std::int64_t end = std::min(weight.out(), begin + most);
    exec.threads().for_slices(static_cast<std::size_t>(end - begin), 4, [&](std::size_t from, std::size_t to, int) {
      const auto first = static_cast<std::int64_t>(from);
      weight.widen(begin + first, begin + static_cast<std::int64_t>(to), tile + first * in);
    });
    use(begin, end, tile);
  }
}

void check_lora(const Weight& weight, const Lora& lora) {
  HONE_CHECK(lora.a.shape.rank() == 2 && lora.b.shape.rank() == 2 && lora.a.shape[0] == lora.b.shape[1]);
  HONE_CHECK(lora.a.shape[1] == weight.in() && lora.b.shape[0] == weight.out());
}

// For one widened row; null where none is needed.
float* row_scratch(Exec& exec, const Weight& weight, int worker) {
  if (weight.kind() == WeightKind::f32) return nullptr;
  return reinterpret_cast<float*>(exec.scratch(worker, static_cast<std::size_t>(weight.in()) * sizeof(float)));
}

void few_rows(Exec& exec, tensor::ConstView x, const Weight& weight, const Lora* lora, const LinearOut& out) {
  Matvec base = matvec_of(times_transposed(x, {nullptr, {weight.out(), weight.in()}}, out.y));
  base.into = out.y_into;
  Matvec up;
  if (lora != nullptr) {
    matvec_here(matvec_of(times_transposed(x, lora->a, out.t)), 0, lora->a.shape[0]);
    up = matvec_of(times_transposed(out.t, lora->b, out.y).added(lora->scale));
  }
  const std::size_t grain = static_cast<std::size_t>(std::max<std::int64_t>(1, matvec_grain / weight.in()));
  const auto task = [&](std::size_t from, std::size_t to, int worker) {
    const auto begin = static_cast<std::int64_t>(from);
    const auto end = static_cast<std::int64_t>(to);
    matvec_here(weight, base, {begin, end}, row_scratch(exec, weight, worker));
    if (lora != nullptr) matvec_here(up, begin, end);
  };
  exec.threads().for_slices(static_cast<std::size_t>(weight.out()), grain, task);
}

void check_job(tensor::ConstView x, const LinearJob& job) {
  const std::int64_t rows = x.shape[0];
  HONE_CHECK(x.shape == tensor::Shape({rows, job.weight->in()}));
  HONE_CHECK(job.out.y.shape == tensor::Shape({rows, job.weight->out()}));
  if (job.lora == nullptr) return;
  check_lora(*job.weight, *job.lora);
  HONE_CHECK(job.out.t.shape == tensor::Shape({rows, job.lora->a.shape[0]}));
}

bool is_in_steps(const LinearJob& job) { return job.weight->kind() == WeightKind::int8_steps; }

}  // namespace

Matvec matvec_of(const Gemm& p) {
  HONE_CHECK(p.b_form == Form::transposed);
  return {.rows = p.m,
          .in = p.k,
          .x = p.a,
          .w = p.b,
          .y = p.c,
          .y_stride = p.c_stride,
          .scale = p.alpha,
          .into = p.beta == 0 ? Into::set : Into::add};
}

void linear_group(Exec& exec, tensor::ConstView x, std::span<const LinearJob> jobs) {
  if (!std::all_of(jobs.begin(), jobs.end(), is_in_steps)) {
    for (const LinearJob& job : jobs) linear(exec, x, *job.weight, job.lora, job.out);
    return;
  }
  for (const LinearJob& job : jobs) check_job(x, job);
  if (x.shape[0] > 0 && !jobs.empty()) linear_int8(exec, x, jobs);
}

void linear(Exec& exec, tensor::ConstView x, const Weight& weight, const Lora* lora, const LinearOut& out) {
  const std::int64_t rows = x.shape[0];
  const LinearJob job = {&weight, lora, out};
  check_job(x, job);
  if (rows == 0) return;
  if (is_in_steps(job)) return linear_int8(exec, x, {&job, 1});
  if (rows <= most_matvec_rows) {
    few_rows(exec, x, weight, lora, out);
    return;
  }
  Gemm base = times_transposed(x, {nullptr, {weight.out(), weight.in()}}, out.y);
  base.beta = out.y_into == Into::add ? 1.0F : 0.0F;
  Gemm down;
  Gemm up;
  if (lora != nullptr) {
    down = times_transposed(x, lora->a, out.t);
    up = times_transposed(out.t, lora->b, out.y).added(lora->scale);
  }
  for_tiles(exec, weight, [&](std::int64_t begin, std::int64_t end, const float* w) {
    Gemm part = base;
    part.n = end - begin;
    part.b = w;
    part.c += begin;
    if (lora == nullptr) return run_pair(exec, part, nullptr, [](std::int64_t, std::int64_t) {});
    const Gemm added = up.columns(begin, end);
    run_pair(exec, part, &added, [&](std::int64_t first, std::int64_t last) {
      if (begin == 0) gemm_here(down.rows(first, last));
    });
  });
}

namespace {

// da and db, each cut by its longer side.
void lora_gradients(Exec& exec, const Lora& lora, const LinearGradient& g, tensor::ConstView u) {
  const std::int64_t rows = g.dy.shape[0];
  const std::int64_t rank = lora.a.shape[0];
  const std::int64_t in = lora.a.shape[1];
  const std::int64_t out = lora.b.shape[0];
  HONE_CHECK(g.da.shape == lora.a.shape && g.db.shape == lora.b.shape);
  HONE_CHECK(g.x.shape == tensor::Shape({rows, in}) && g.t.shape == tensor::Shape({rows, rank}));
  const Gemm to_a = add_outer(u, g.x, g.da, lora.scale);
  const Gemm to_b = add_outer(g.dy, g.t, g.db, lora.scale);
  const auto workers = static_cast<std::int64_t>(exec.threads().size());
  exec.threads().run([&](int worker) {
    gemm_here(to_a.columns(in * worker / workers, in * (worker + 1) / workers));
    gemm_here(to_b.rows(out * worker / workers, out * (worker + 1) / workers));
  });
}

// dx (+)= dy W, then `up`, if any, added to it; tiles of W's rows are summed in order.
template <class Before>
void input_gradient(Exec& exec, const Weight& weight, const LinearGradient& g, const Gemm* up, const Before& before) {
  const std::int64_t rows = g.dy.shape[0];
  HONE_CHECK(g.dx.shape == tensor::Shape({rows, weight.in()}));
  for_tiles(exec, weight, [&](std::int64_t begin, std::int64_t end, const float* w) {
    Gemm part = times(g.dy, {w, {end - begin, weight.in()}}, g.dx);
    part.k = end - begin;
    part.a += begin;
    part.beta = begin > 0 || g.dx_into == Into::add ? 1.0F : 0.0F;
    run_pair(exec, part, end == weight.out() ? up : nullptr, before);
  });
}

}  // namespace

void prepare_input_gradient(Exec& exec, const Weight& weight) {
  if (weight.kind() == WeightKind::int8_steps) weight.int8().transposed(exec);
}

void linear_backward(Exec& exec, const Weight& weight, const Lora* lora, const LinearGradient& g) {
  const std::int64_t rows = g.dy.shape[0];
  HONE_CHECK(g.dy.shape == tensor::Shape({rows, weight.out()}));
  if (rows == 0) return;
  const bool in_steps = weight.kind() == WeightKind::int8_steps;
  if (lora == nullptr) {
    if (g.dx.data == nullptr) return;
    if (in_steps) return input_gradient_int8(exec, weight, nullptr, g, {});
    input_gradient(exec, weight, g, nullptr, [](std::int64_t, std::int64_t) {});
    return;
  }
  check_lora(weight, *lora);
  const std::int64_t rank = lora->a.shape[0];
  tensor::Arena::Scope scope(exec.arena());
  const tensor::View u = {exec.arena().floats(rows * rank), {rows, rank}};
  const Gemm down = times(g.dy, lora->b, u);
  if (g.dx.data != nullptr && in_steps) {
    input_gradient_int8(exec, weight, lora, g, u);
  } else if (g.dx.data != nullptr) {
    const Gemm up = times(u, lora->a, g.dx).added(lora->scale);
    input_gradient(exec, weight, g, &up,
                   [&](std::int64_t begin, std::int64_t end) { gemm_here(down.rows(begin, end)); });
  } else {
    gemm(exec, down);
  }
  lora_gradients(exec, *lora, g, u);
}

}  // namespace hone::ops
