#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "ops/adamw.h"

namespace hone::train {

double norm_of(tensor::Exec& exec, model::Adapter& gradients) {
  double squares = 0;
  for (const auto& named : gradients.tensors()) squares += ops::squared_norm(exec, named.tensor->view());
  return std::sqrt(squares);
}

void apply(tensor::Exec& exec, const OptimizerState& state, const Update& update) {
  const auto settings_at = [&](double rate) {
    return ops::AdamwSettings{
        rate, update.beta1, update.beta2, update.epsilon, update.weight_decay, update.gradient_scale, update.number};
  };
  const ops::AdamwSettings for_a = settings_at(update.learning_rate);
  const ops::AdamwSettings for_b = settings_at(update.learning_rate * update.b_rate_ratio);
  const auto weights = state.adapter.tensors();
  const auto gradients = state.gradients.tensors();
  const auto first = state.first_moments.tensors();
  const auto second = state.second_moments.tensors();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    ops::adamw(
        exec, weights[i].part == model::Adapter::Part::b ? for_b : for_a,
        {weights[i].tensor->view(), gradients[i].tensor->view(), first[i].tensor->view(), second[i].tensor->view()});
  }
}

double clip_factor(double norm, double most) { return most > 0 ? std::min(1.0, most / (norm + 1e-6)) : 1.0; }

void set_zero(model::Adapter& adapter) {
  for (const auto& named : adapter.tensors()) {
    std::fill_n(named.tensor->f32(), named.tensor->shape().count(), 0.0F);
  }
}

}  // namespace hone::train
