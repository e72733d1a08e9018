// Root-mean-square normalisation (Zhang & Sennrich 2019).
#pragma once

#include "tensor/exec.h"

namespace hone::ops {

// y[i] = x[i] w[i] / sqrt(mean(x^2) + epsilon) for each row; x, y f32 [rows, width], w f32 [width].
void rms_norm(tensor::Exec& exec, tensor::ConstView x, tensor::ConstView w, float epsilon, tensor::View y);

// y[i] += the same.
void rms_norm_add(tensor::Exec& exec, tensor::ConstView x, tensor::ConstView w, float epsilon, tensor::View y);

struct RmsNormGradient {
  tensor::ConstView dy;
  tensor::ConstView x;
  tensor::View dx;  // added to
};
// dx += the gradient through rms_norm; w gets none.
void rms_norm_backward(tensor::Exec& exec, tensor::ConstView w, float epsilon, const RmsNormGradient& gradient);

}  // namespace hone::ops
