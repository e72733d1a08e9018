// The gated unit of Llama's feed-forward block (Shazeer 2020): silu(gate) * up, silu(z) = z / (1 + exp(-z)).
#pragma once

#include "tensor/exec.h"

namespace hone::ops {

// out[i] = silu(gate[i]) up[i]; f32, all of one shape.
void swiglu(tensor::Exec& exec, tensor::ConstView gate, tensor::ConstView up, tensor::View out);

// In place: gate and up become their gradients for the gradient `dout` of swiglu's result.
void swiglu_backward(tensor::Exec& exec, tensor::ConstView dout, tensor::View gate, tensor::View up);

}  // namespace hone::ops
