#include <algorithm>
#include <optional>
#include <vector>

#include "ops/gemm.h"
#include "ops/int8_map.h"
#include "ops/linear_int8.h"
#include "ops/matvec.h"

namespace hone::ops {
namespace {

using tensor::ConstView;
using tensor::Exec;
using tensor::View;

// y (+)= scale (x d^T) u^T in f32, with t = x d^T kept.
struct LowRank {
  Gemm down;
  Gemm up;
};

void gemm_or_matvec(const Gemm& p) {
  if (p.m > most_matvec_rows || p.b_form != Form::transposed) return gemm_here(p);
  matvec_here(matvec_of(p), 0, p.n);
}

// One map's share of the work on x.
struct Job {
  StepProduct product;
  std::optional<LowRank> low;
};

// Some rows of all jobs.
void run_rows(const float* x, std::span<const Job> jobs, RowRange rows) {
  round_rows_here(x, jobs.front().product.x, rows);
  for (const Job& job : jobs) {
    step_product_here(job.product, rows, {0, job.product.w->panels()});
    if (!job.low) continue;
    gemm_or_matvec(job.low->down.rows(rows.begin, rows.end));
    gemm_or_matvec(job.low->up.rows(rows.begin, rows.end));
  }
}

// All rows of some of the jobs' panels, counted through all of them.
void run_panels(std::span<const Job> jobs, RowRange range) {
  std::int64_t first = 0;  // of this job
  for (const Job& job : jobs) {
    const std::int64_t panels = job.product.w->panels();
    const RowRange part = {std::clamp<std::int64_t>(range.begin - first, 0, panels),
                           std::clamp<std::int64_t>(range.end - first, 0, panels)};
    first += panels;
    if (part.begin == part.end) continue;
    step_product_here(job.product, {0, job.product.x.rows}, part);
    if (!job.low) continue;
    const std::int64_t last_column = std::min(job.product.w->outer(), part.end * panel_columns);
    gemm_or_matvec(job.low->up.columns(part.begin * panel_columns, last_column));
  }
}

// Products of the same x, rounded into the steps that all jobs share; cut over the threads by rows when there are many,
// else by panels.
void run(Exec& exec, const float* x, std::span<const Job> jobs) {
  const StepRows& steps = jobs.front().product.x;
  std::int64_t outer = 0;
  std::int64_t panels = 0;
  for (const Job& job : jobs) {
    outer += job.product.w->outer();
    panels += job.product.w->panels();
  }
  if (cut_by_rows(exec.threads().size(), steps.rows, outer)) {
    exec.threads().for_slices(static_cast<std::size_t>(steps.rows), 8, [&](std::size_t from, std::size_t to, int) {
      run_rows(x, jobs, {static_cast<std::int64_t>(from), static_cast<std::int64_t>(to)});
    });
    return;
  }
  round_rows_here(x, steps, {0, steps.rows});
  for (const Job& job : jobs)
    if (job.low) gemm_or_matvec(job.low->down);
  constexpr std::int64_t too_little = 1 << 15;  // bytes of a map not worth waking a thread for
  const std::int64_t panel_bytes = steps.groups * static_cast<std::int64_t>(sizeof(PackedSteps::Block));
  const auto grain = static_cast<std::size_t>(std::max<std::int64_t>(1, too_little / panel_bytes));
  exec.threads().for_slices(static_cast<std::size_t>(panels), grain, [&](std::size_t from, std::size_t to, int) {
    run_panels(jobs, {static_cast<std::int64_t>(from), static_cast<std::int64_t>(to)});
  });
}

}  // namespace

void linear_int8(Exec& exec, ConstView x, std::span<const LinearJob> jobs) {
  tensor::Arena::Scope scope(exec.arena());
  const StepRows steps = take_step_rows(exec.arena(), x.shape[0], x.shape[1], forward_span);
  std::vector<Job> parts;
  for (const LinearJob& job : jobs) {
    Job& part = parts.emplace_back();
    part.product = {steps, &job.weight->int8().w, job.out.y.f32(), job.weight->out(), job.out.y_into};
    if (job.lora != nullptr)
      part.low = {times_transposed(x, job.lora->a, job.out.t),
                  times_transposed(job.out.t, job.lora->b, job.out.y).added(job.lora->scale)};
  }
  run(exec, x.f32(), parts);
}

void input_gradient_int8(Exec& exec, const Weight& weight, const Lora* lora, const LinearGradient& g, View u) {
  const Int8Map& map = weight.int8();
  tensor::Arena::Scope scope(exec.arena());
  const StepRows steps = take_step_rows(exec.arena(), g.dy.shape[0], weight.out(), backward_span);
  Job job;
  job.product = {steps, &map.transposed(exec), g.dx.f32(), weight.in(), g.dx_into};
  if (lora != nullptr) job.low = {times(g.dy, lora->b, u), times(u, lora->a, g.dx).added(lora->scale)};
  run(exec, g.dy.f32(), {&job, 1});
}

}  // namespace hone::ops
