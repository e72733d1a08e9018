#include <dnnl.h>
#include <omp.h>

#include <algorithm>

#include "base/error.h"
#include "ops/gemm.h"

namespace hone::ops {
namespace {

// oneDNN as packaged by Debian runs OpenMP threads of its own; the pool's threads each ask for none but themselves.
void keep_to_this_thread() {
  thread_local const bool done = [] {
    omp_set_num_threads(1);
    return true;
  }();
  (void)done;
}

constexpr std::int64_t column_grain = 16;
constexpr std::int64_t row_grain = 8;

// Calls task(begin, end) for equal slices of [0, count) in multiples of `grain`, a slice a worker.
template <class Task>
void cut(tensor::Exec& exec, std::int64_t count, std::int64_t grain, const Task& task) {
  const std::int64_t groups = (count + grain - 1) / grain;
  exec.threads().for_slices(static_cast<std::size_t>(groups), 1, [&](std::size_t begin, std::size_t end, int) {
    task(static_cast<std::int64_t>(begin) * grain, std::min(count, static_cast<std::int64_t>(end) * grain));
  });
}

Gemm product_of(tensor::ConstView a, tensor::ConstView b, tensor::View c) {
  Gemm p;
  p.m = c.shape[0];
  p.n = c.shape[1];
  p.k = a.shape[1];
  p.a = a.f32();
  p.a_stride = a.shape[1];
  p.b = b.f32();
  p.b_stride = b.shape[1];
  p.c = c.f32();
  p.c_stride = c.shape[1];
  return p;
}

}  // namespace

Gemm times_transposed(tensor::ConstView a, tensor::ConstView b, tensor::View c) {
  Gemm p = product_of(a, b, c);
  p.b_form = Form::transposed;
  return p;
}

Gemm times(tensor::ConstView a, tensor::ConstView b, tensor::View c) { return product_of(a, b, c); }

Gemm add_outer(tensor::ConstView a, tensor::ConstView b, tensor::View c, float scale) {
  Gemm p = product_of(a, b, c);
  p.k = a.shape[0];
  p.a_form = Form::transposed;
  return p.added(scale);
}

Gemm Gemm::added(float scale) const {
  Gemm sum = *this;
  sum.alpha = scale;
  sum.beta = 1;
  return sum;
}

Gemm Gemm::rows(std::int64_t begin, std::int64_t end) const {
  Gemm part = *this;
  part.m = end - begin;
  part.a += a_form == Form::plain ? begin * a_stride : begin;
  part.c += begin * c_stride;
  return part;
}

Gemm Gemm::columns(std::int64_t begin, std::int64_t end) const {
  Gemm part = *this;
  part.n = end - begin;
  part.b += b_form == Form::plain ? begin : begin * b_stride;
  part.c += begin;
  return part;
}

void gemm_here(const Gemm& p) {
  if (p.m == 0 || p.n == 0) return;
  HONE_CHECK(p.k > 0);
  keep_to_this_thread();
  const dnnl_status_t status = dnnl_sgemm(p.a_form == Form::plain ? 'N' : 'T', p.b_form == Form::plain ? 'N' : 'T', p.m,
                                          p.n, p.k, p.alpha, p.a, p.a_stride, p.b, p.b_stride, p.beta, p.c, p.c_stride);
  if (status == dnnl_out_of_memory) throw std::bad_alloc();
  HONE_CHECK(status == dnnl_success);
}

bool cut_by_rows(int threads, std::int64_t m, std::int64_t n) { return m >= 128 * threads || n < 64 * threads; }

void gemm(tensor::Exec& exec, const Gemm& p) {
  if (cut_by_rows(exec.threads().size(), p.m, p.n)) {
    cut(exec, p.m, row_grain, [&](std::int64_t begin, std::int64_t end) { gemm_here(p.rows(begin, end)); });
  } else {
    cut(exec, p.n, column_grain, [&](std::int64_t begin, std::int64_t end) { gemm_here(p.columns(begin, end)); });
  }
}

}  // namespace hone::ops
