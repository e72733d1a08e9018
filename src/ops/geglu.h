// The gated unit of Gemma's feed-forward block (Shazeer 2020): gelu(gate) * up with the tanh form of gelu (Hendrycks &
// Gimpel 2016), gelu(z) = z / 2 (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))).
#pragma once

#include "tensor/exec.h"

namespace hone::ops {

// out[i] = gelu(gate[i]) up[i]; f32, all of one shape.
void geglu(tensor::Exec& exec, tensor::ConstView gate, tensor::ConstView up, tensor::View out);

// In place: gate and up become their gradients for the gradient `dout` of geglu's result.
void geglu_backward(tensor::Exec& exec, tensor::ConstView dout, tensor::View gate, tensor::View up);

}  // namespace hone::ops
