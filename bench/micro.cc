// Operations one by one, at the sizes of SmolLM2-135M, beside what bounds them: products beside oneDNN's, what streams
// through memory in bytes a second. `ninja micro && build/release/bench/micro`; Google Benchmark's own options apply.
#include <benchmark/benchmark.h>
#include <dnnl.h>

#include <vector>

#include "ops/adamw.h"
#include "ops/attention.h"
#include "ops/linear.h"
#include "ops/ops_testing.h"
#include "ops/rms_norm.h"
#include "ops/swiglu.h"
#include "ops/weight_writer.h"

namespace {

using namespace hone;
using ops::WeightKind;
using tensor::Tensor;

tensor::Exec& exec() {
  static tensor::Exec all_cores;
  return all_cores;
}

Tensor random(tensor::Shape shape) { return ops::random(shape, 1); }

ops::Weight weight_of(WeightKind kind, std::int64_t out, std::int64_t in) {
  ops::WeightWriter writer(kind, {out, in});
  const Tensor values = random({out, in});
  writer.put(exec(), 0, values.view());
  return writer.finish();
}

void count_products(benchmark::State& state, std::int64_t rows, const ops::Weight& weight) {
  const double operations = 2.0 * static_cast<double>(rows * weight.out() * weight.in());
  const auto runs = static_cast<double>(state.iterations());
  state.counters["GOP/s"] = benchmark::Counter(1e-9 * operations * runs, benchmark::Counter::kIsRate);
  state.counters["GB/s"] =
      benchmark::Counter(1e-9 * static_cast<double>(weight.bytes()) * runs, benchmark::Counter::kIsRate);
}

// y = x W^T; arguments: rows, out, in.
void linear(benchmark::State& state, WeightKind kind) {
  const std::int64_t rows = state.range(0);
  const ops::Weight weight = weight_of(kind, state.range(1), state.range(2));
  const Tensor x = random({rows, weight.in()});
  Tensor y = Tensor::empty({rows, weight.out()});
  for (auto _ : state) ops::linear(exec(), x.view(), weight, nullptr, {y.view(), ops::Into::set, {}});
  count_products(state, rows, weight);
}

// dX = dY W.
void input_gradient(benchmark::State& state, WeightKind kind) {
  const std::int64_t rows = state.range(0);
  const ops::Weight weight = weight_of(kind, state.range(1), state.range(2));
  const Tensor dy = random({rows, weight.out()});
  Tensor dx = Tensor::empty({rows, weight.in()});
  ops::LinearGradient gradient;
  gradient.dy = dy.view();
  gradient.dx = dx.view();
  for (auto _ : state) ops::linear_backward(exec(), weight, nullptr, gradient);
  count_products(state, rows, weight);
}

// What a low-rank update adds: forward, y = x W^T + s (x A^T) B^T less y = x W^T is the figure; backward, u, dA and dB
// without dX. Arguments: rows, out, in; rank 16.
struct Update {
  Tensor a;
  Tensor b;
  Tensor t;
  Tensor da;
  Tensor db;
  ops::Lora lora;
};

Update update_of(std::int64_t rows, const ops::Weight& weight) {
  Update u{random({16, weight.in()}), random({weight.out(), 16}), random({rows, 16}), {}, {}, {}};
  u.da = Tensor::zeros(u.a.shape());
  u.db = Tensor::zeros(u.b.shape());
  u.lora = {u.a.view(), u.b.view(), 0.5F};
  return u;
}

void linear_with_update(benchmark::State& state) {
  const std::int64_t rows = state.range(0);
  const ops::Weight weight = weight_of(WeightKind::f32, state.range(1), state.range(2));
  const Update update = update_of(rows, weight);
  const Tensor x = random({rows, weight.in()});
  Tensor y = Tensor::empty({rows, weight.out()});
  Tensor t = Tensor::empty({rows, 16});
  for (auto _ : state) ops::linear(exec(), x.view(), weight, &update.lora, {y.view(), ops::Into::set, t.view()});
}

void update_gradients(benchmark::State& state) {
  const std::int64_t rows = state.range(0);
  const ops::Weight weight = weight_of(WeightKind::f32, state.range(1), state.range(2));
  Update update = update_of(rows, weight);
  const Tensor x = random({rows, weight.in()});
  const Tensor dy = random({rows, weight.out()});
  ops::LinearGradient gradient;
  gradient.dy = dy.view();
  gradient.x = x.view();
  gradient.t = update.t.view();
  gradient.da = update.da.view();
  gradient.db = update.db.view();
  for (auto _ : state) ops::linear_backward(exec(), weight, &update.lora, gradient);
}

// The same sums by oneDNN on one thread, without scales: twice as much is what two threads can hope for.
void onednn_bytes(benchmark::State& state) {
  const std::int64_t m = state.range(0);
  const std::int64_t n = state.range(1);
  const std::int64_t k = state.range(2);
  std::vector<std::uint8_t> a(static_cast<std::size_t>(m * k), 3);
  std::vector<std::int8_t> b(static_cast<std::size_t>(n * k), 2);
  std::vector<std::int32_t> c(static_cast<std::size_t>(m * n));
  const std::int32_t no_offset = 0;
  for (auto _ : state)
    dnnl_gemm_u8s8s32('N', 'T', 'F', m, n, k, 1, a.data(), k, 0, b.data(), k, 0, 0, c.data(), n, &no_offset);
  const auto runs = static_cast<double>(state.iterations());
  state.counters["GOP/s"] =
      benchmark::Counter(2e-9 * static_cast<double>(m * n * k) * runs, benchmark::Counter::kIsRate);
}

// One sequence of `tokens`, causal.
void attention(benchmark::State& state) {
  const auto tokens = static_cast<std::int32_t>(state.range(0));
  const ops::HeadShape heads{9, 3, 64, 0, 0};
  ops::AttentionPlan plan;
  plan.items = {{0, tokens, 0, 1}};
  plan.ranges = {{0, tokens}};
  plan.groups = {0, 1};
  for (std::int32_t i = 0; i < tokens; ++i) plan.visible.push_back(i + 1);
  const Tensor q = random({tokens, 576});
  const Tensor k = random({tokens, 192});
  const Tensor v = random({tokens, 192});
  Tensor out = Tensor::empty({tokens, 576});
  for (auto _ : state) ops::attention(exec(), heads, plan, {q.view(), k.view(), v.view()}, {out.view(), {}});
  const double operations =
      2.0 * 9 * 64 * static_cast<double>(tokens) * static_cast<double>(tokens);  // half the square, twice
  state.counters["GOP/s"] =
      benchmark::Counter(1e-9 * operations * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void count_bytes(benchmark::State& state, double bytes) {
  state.counters["GB/s"] =
      benchmark::Counter(1e-9 * bytes * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void rms_norm(benchmark::State& state) {
  const Tensor x = random({state.range(0), 576});
  const Tensor w = random({576});
  Tensor y = Tensor::empty(x.shape());
  for (auto _ : state) ops::rms_norm(exec(), x.view(), w.view(), 1e-5F, y.view());
  count_bytes(state, 2.0 * static_cast<double>(x.bytes()));
}

void swiglu(benchmark::State& state) {
  const Tensor gate = random({state.range(0), 1536});
  const Tensor up = random(gate.shape());
  Tensor out = Tensor::empty(gate.shape());
  for (auto _ : state) ops::swiglu(exec(), gate.view(), up.view(), out.view());
  count_bytes(state, 3.0 * static_cast<double>(gate.bytes()));
}

void adamw(benchmark::State& state) {
  Tensor p = random({state.range(0)});
  const Tensor g = random(p.shape());
  Tensor m = Tensor::zeros(p.shape());
  Tensor v = Tensor::zeros(p.shape());
  ops::AdamwSettings settings;
  for (auto _ : state) {
    ops::adamw(exec(), settings, {p.view(), g.view(), m.view(), v.view()});
    ++settings.step;
  }
  count_bytes(state, 7.0 * static_cast<double>(p.bytes()));
}

void shapes(benchmark::internal::Benchmark* b) {
  for (const std::int64_t rows : {1, 16, 512, 2048})
    for (const auto& [out, in] : {std::pair{576, 576}, {192, 576}, {1536, 576}, {576, 1536}}) b->Args({rows, out, in});
  b->UseRealTime()->Unit(benchmark::kMicrosecond);
}
void head_shapes(benchmark::internal::Benchmark* b) {
  for (const std::int64_t rows : {1, 16}) b->Args({rows, 49152, 576});
  b->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK_CAPTURE(linear, f32, WeightKind::f32)->Apply(shapes)->Apply(head_shapes);
BENCHMARK_CAPTURE(linear, int8, WeightKind::int8_steps)->Apply(shapes)->Apply(head_shapes);
BENCHMARK_CAPTURE(linear, bf16, WeightKind::blocks)->Apply(head_shapes);
BENCHMARK_CAPTURE(input_gradient, f32, WeightKind::f32)
    ->Args({512, 1536, 576})
    ->Args({2048, 1536, 576})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(input_gradient, int8, WeightKind::int8_steps)
    ->Args({512, 1536, 576})
    ->Args({2048, 1536, 576})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(linear_with_update)
    ->Args({512, 576, 576})
    ->Args({512, 1536, 576})
    ->Args({512, 576, 1536})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(update_gradients)
    ->Args({512, 576, 576})
    ->Args({512, 1536, 576})
    ->Args({512, 576, 1536})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(onednn_bytes)
    ->Args({256, 576, 576})
    ->Args({256, 1536, 576})
    ->Args({1024, 1536, 576})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(attention)->Arg(64)->Arg(512)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(rms_norm)->Arg(512)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(swiglu)->Arg(512)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(adamw)->Arg(4'900'000)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
