// AdamW (Loshchilov & Hutter 2019) as torch.optim.AdamW computes it, and the global gradient norm.
#pragma once

#include <cstdint>

#include "tensor/exec.h"

namespace hone::ops {

struct AdamwSettings {
  double rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  double gradient_scale = 1;  // multiplies the gradient first: clipping, division by the token count
  std::int64_t step = 1;      // from 1
};

// All f32, of one shape. `m` and `v` start at zero.
struct AdamwTensors {
  tensor::View parameter;
  tensor::ConstView gradient;
  tensor::View m;
  tensor::View v;
};

// p *= 1 - rate * decay;  m += (1 - b1)(g - m);  v = b2 v + (1 - b2) g^2;
// p -= rate / (1 - b1^step) * m / (sqrt(v) / sqrt(1 - b2^step) + epsilon).
void adamw(tensor::Exec& exec, const AdamwSettings& settings, const AdamwTensors& tensors);

// Sum of squares in f64, the same for any number of threads. Not finite when an element is not.
double squared_norm(tensor::Exec& exec, tensor::ConstView values);

}  // namespace hone::ops
