// Cross-entropy of a few rows of logits against weighted target tokens.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/exec.h"

namespace hone::ops {

struct RowTarget {
  std::int32_t row = 0;  // of the logits
  std::int32_t id = 0;
  float weight = 1;
};

enum class LogitsBecome : std::uint8_t { gradient, scratch };

// Sum over targets of weight * (log sum exp(row) - row[id]), added up in f64 in the targets' order. `logits` f32
// [rows, vocabulary] become the gradient (softmax * sum of weights - weights at the targets), or are left in any state.
// `targets` by ascending row; an id outside the vocabulary is a Failure (bad_input).
double cross_entropy(tensor::Exec& exec, std::span<const RowTarget> targets, LogitsBecome become, tensor::View logits);

}  // namespace hone::ops
