// What ops/linear is made of: its few rows, and weights of kind int8_steps. Seen by linear_*.cc only.
#pragma once

#include "ops/gemm.h"
#include "ops/linear.h"

namespace hone::ops {

// A product with a transposed b, as the kernel for few rows takes it: added where beta is not 0.
Matvec matvec_of(const Gemm& product);

// As linear_group() and the dx of linear_backward(), the low-rank update in f32. At least one job, all of that kind.
void linear_int8(tensor::Exec& exec, tensor::ConstView x, std::span<const LinearJob> jobs);

// dx (+)= dy W + s u A; `u` [rows, rank] = dy B is made here where there is a Lora.
void input_gradient_int8(tensor::Exec& exec, const Weight& weight, const Lora* lora, const LinearGradient& gradient,
                         tensor::View u);

}  // namespace hone::ops
