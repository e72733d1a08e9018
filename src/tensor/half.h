// 16-bit floating point as it lies in model files. Widening is exact; NaNs stay NaNs.
#pragma once

#include <bit>
#include <cstdint>

namespace hone::tensor {

// IEEE binary16. Branch-free, so that loops over it vectorise (the method of Maratyszcza's FP16 library).
inline float f32_of_f16(std::uint16_t half) {
  const std::uint32_t wide = static_cast<std::uint32_t>(half) << 16;
  const std::uint32_t sign = wide & 0x80000000U;
  const std::uint32_t doubled = wide + wide;
  const float normal = std::bit_cast<float>((doubled >> 4) + (0xE0U << 23)) * 0x1.0p-112F;
  const float denormal = std::bit_cast<float>((doubled >> 17) | (126U << 23)) - 0.5F;
  const float magnitude = doubled < (1U << 27) ? denormal : normal;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

// bfloat16: the upper half of an f32.
inline float f32_of_bf16(std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); }

// Rounded to nearest, ties to even; beyond the range: infinity.
inline std::uint16_t bf16_of_f32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>(bits >> 16 | 64U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

}  // namespace hone::tensor
