// ops/linear for weights of kind int8_steps. Seen by linear_cpu.cc only.
#pragma once

#include "ops/linear.h"

namespace hone::ops {

// As linear_group() and the dx of linear_backward(), the low-rank update in f32. At least one job, all of that kind.
void linear_int8(tensor::Exec& exec, tensor::ConstView x, std::span<const LinearJob> jobs);

// dx (+)= dy W + s u A; `u` [rows, rank] = dy B is made here where there is a Lora.
void input_gradient_int8(tensor::Exec& exec, const Weight& weight, const Lora* lora, const LinearGradient& gradient,
                         tensor::View u);

}  // namespace hone::ops
