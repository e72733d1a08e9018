#include <algorithm>
#include <optional>

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
  Matvec product;
  product.rows = p.m;
  product.in = p.k;
  product.x = p.a;
  product.w = p.b;
  product.y = p.c;
  product.y_stride = p.c_stride;
  product.scale = p.alpha;
  product.into = p.beta == 0 ? Matvec::Into::set : Matvec::Into::add;
  matvec_here(product, 0, p.n);
}

// The product of rounded rows with `product.w`, plus the low-rank part, cut over the threads: by rows when there are
// many, else by panels.
void run(Exec& exec, const float* x, const StepProduct& product, const LowRank* low) {
  const std::int64_t rows = product.x.rows;
  const std::int64_t outer = product.w->outer();
  const std::int64_t panels = product.w->panels();
  if (cut_by_rows(exec.threads().size(), rows, outer)) {
    exec.threads().for_slices(static_cast<std::size_t>(rows), 8, [&](std::size_t from, std::size_t to, int) {
      const RowRange part = {static_cast<std::int64_t>(from), static_cast<std::int64_t>(to)};
      round_rows_here(x, product.x, part);
      step_product_here(product, part, {0, panels});
      if (low == nullptr) return;
      gemm_or_matvec(low->down.rows(part.begin, part.end));
      gemm_or_matvec(low->up.rows(part.begin, part.end));
    });
    return;
  }
  round_rows_here(x, product.x, {0, rows});
  if (low != nullptr) gemm_or_matvec(low->down);
  const auto panel_bytes = static_cast<std::int64_t>(product.w->bytes()) / panels;
  constexpr std::int64_t too_little = 1 << 15;  // bytes of a map not worth waking a thread for
  const auto grain = static_cast<std::size_t>(std::max<std::int64_t>(1, too_little / panel_bytes));
  exec.threads().for_slices(static_cast<std::size_t>(panels), grain, [&](std::size_t from, std::size_t to, int) {
    const RowRange part = {static_cast<std::int64_t>(from), static_cast<std::int64_t>(to)};
    step_product_here(product, {0, rows}, part);
    if (low == nullptr) return;
    gemm_or_matvec(low->up.columns(part.begin * panel_columns, std::min(outer, part.end * panel_columns)));
  });
}

}  // namespace

void linear_int8(Exec& exec, ConstView x, const Weight& weight, const Lora* lora, const LinearOut& out) {
  const Int8Map& map = weight.int8();
  tensor::Arena::Scope scope(exec.arena());
  const StepRows steps = take_step_rows(exec.arena(), x.shape[0], weight.in(), forward_span);
  StepProduct product = {steps, &map.w, out.y.f32(), weight.out(), Matvec::Into::set};
  if (out.y_into == Into::add) product.into = Matvec::Into::add;
  std::optional<LowRank> low;
  if (lora != nullptr) {
    low = {times_transposed(x, lora->a, out.t), times_transposed(out.t, lora->b, out.y)};
    low->up.alpha = lora->scale;
    low->up.beta = 1;
  }
  run(exec, x.f32(), product, low ? &*low : nullptr);
}

void input_gradient_int8(Exec& exec, const Weight& weight, const Lora* lora, const LinearGradient& g, View u) {
  const Int8Map& map = weight.int8();
  tensor::Arena::Scope scope(exec.arena());
  const StepRows steps = take_step_rows(exec.arena(), g.dy.shape[0], weight.out(), backward_span);
  StepProduct product = {steps, &map.transposed(exec), g.dx.f32(), weight.in(), Matvec::Into::set};
  if (g.dx_into == Into::add) product.into = Matvec::Into::add;
  std::optional<LowRank> low;
  if (lora != nullptr) {
    low = {times(g.dy, lora->b, u), times(u, lora->a, g.dx)};
    low->up.alpha = lora->scale;
    low->up.beta = 1;
  }
  run(exec, g.dy.f32(), product, low ? &*low : nullptr);
}

}  // namespace hone::ops
