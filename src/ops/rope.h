// Rotary position embedding, rotate-half form (Su et al. 2021, element order of Hugging Face's Llama).
#pragma once

#include <cstdint>
#include <span>

#include "tensor/exec.h"

namespace hone::ops {

// cos and sin of position * frequency, f32 [rows, head_width / 2] each; a frequency for each pair. Angles are rounded
// to f32 as transformers does, so that long positions agree with it.
void rope_angles(std::span<const std::int32_t> positions, std::span<const float> frequencies, tensor::View cos,
                 tensor::View sin);

enum class Turn : std::uint8_t { forward, back };

// In place on x, f32 [rows, heads * head_width]: with h = head_width / 2, for i < h
//   x[i] = x[i] cos - x[i + h] sin,  x[i + h] = x[i + h] cos + x[i] sin.
// `back` turns the other way: the gradient.
void rope(tensor::Exec& exec, tensor::ConstView cos, tensor::ConstView sin, Turn turn, tensor::View x);

}  // namespace hone::ops
