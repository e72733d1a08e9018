// f32 matrix products, row-major, through oneDNN. Results depend on the shapes and the number of threads only.
#pragma once

#include <cstdint>

#include "tensor/exec.h"

namespace hone::ops {

enum class Form : std::uint8_t { plain, transposed };

// C [m, n] = alpha op(A) op(B) + beta C; op(A) is [m, k], op(B) is [k, n]. A transposed operand lies in memory as [k,
// m] or [n, k]. Strides are elements between rows in memory.
struct Gemm {
  Form a_form = Form::plain;
  Form b_form = Form::plain;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  float alpha = 1;
  const float* a = nullptr;
  std::int64_t a_stride = 0;
  const float* b = nullptr;
  std::int64_t b_stride = 0;
  float beta = 0;
  float* c = nullptr;
  std::int64_t c_stride = 0;

  // The same product added to C, `scale` times.
  Gemm added(float scale) const;
  // The part of the product for rows or columns [begin, end) of C.
  Gemm rows(std::int64_t begin, std::int64_t end) const;
  Gemm columns(std::int64_t begin, std::int64_t end) const;
};

// Products of whole tensors. c [m, n] = a [m, k] times b [n, k], transposed.
Gemm times_transposed(tensor::ConstView a, tensor::ConstView b, tensor::View c);
// c [m, n] = a [m, k] times b [k, n].
Gemm times(tensor::ConstView a, tensor::ConstView b, tensor::View c);
// c [m, n] += scale times a [k, m], transposed, times b [k, n].
Gemm add_outer(tensor::ConstView a, tensor::ConstView b, tensor::View c, float scale);

// On the calling thread alone: for use inside pool tasks.
void gemm_here(const Gemm& product);

// Cut over the threads of `exec`: by rows of C when there are many, else by columns.
void gemm(tensor::Exec& exec, const Gemm& product);

// Whether gemm() and linear() cut a product of this size by rows.
bool cut_by_rows(int threads, std::int64_t m, std::int64_t n);

}  // namespace hone::ops
