// One update of an adapter from summed gradients: division by the loss tokens, clipping by the global norm
// (torch.nn.utils.clip_grad_norm_) and AdamW (ops/adamw.h).
#pragma once

#include "model/adapter.h"
#include "tensor/exec.h"

namespace hone::train {

// sqrt of the sum of squares over every A and B together; f64, the same for any number of threads.
double norm_of(tensor::Exec& exec, model::Adapter& gradients);

struct OptimizerState {
  model::Adapter& adapter;
  model::Adapter& gradients;
  model::Adapter& first_moments;
  model::Adapter& second_moments;
};
struct Update {
  double learning_rate = 0;  // of A
  double b_rate_ratio = 1;   // LoRA+: that of B is this times as large
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  double gradient_scale = 1;  // multiplies the gradients first
  int number = 1;             // of this update, from 1
};
void apply(tensor::Exec& exec, const OptimizerState& state, const Update& update);

// min(1, most / (norm + 1e-6)); 1 where most is 0 (no clipping).
double clip_factor(double norm, double most);

void set_zero(model::Adapter& adapter);

}  // namespace hone::train
