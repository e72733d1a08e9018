#include "formats/gguf_quantize.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace hone::formats {
namespace {

constexpr std::size_t block = 32;

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

float inverse(float d) {
  const float inverted = d == 0 ? 0.0F : 1.0F / d;
  return std::isfinite(inverted) ? inverted : 0.0F;
}

// The products in memory of their own, so that no compiler fuses them with an addition: the reference rounds twice.
std::array<float, block> scaled(const float* values, float factor) {
  std::array<float, block> products{};
  for (std::size_t i = 0; i < block; ++i) products[i] = values[i] * factor;
  return products;
}

void put_q8_0(const float* values, std::string& out) {
  float largest = 0;
  for (std::size_t i = 0; i < block; ++i) largest = std::max(largest, std::fabs(values[i]));
  const float d = largest / 127.0F;
  put(out, f16_of_f32(d));
  for (const float product : scaled(values, inverse(d))) put(out, static_cast<std::int8_t>(std::round(product)));
}

void put_q4_0(const float* values, std::string& out) {
  float largest = 0;
  for (std::size_t i = 0; i < block; ++i)
    if (std::fabs(values[i]) > std::fabs(largest)) largest = values[i];
  const float d = largest / -8.0F;
  put(out, f16_of_f32(d));
  const std::array<float, block> products = scaled(values, inverse(d));
  std::array<std::uint8_t, block> q{};
  for (std::size_t i = 0; i < block; ++i)
    q[i] = static_cast<std::uint8_t>(std::min(15, static_cast<int>(products[i] + 8.5F)));
  for (std::size_t i = 0; i < block / 2; ++i)
    put(out, static_cast<std::uint8_t>(q[i] | static_cast<unsigned>(q[i + block / 2]) << 4));
}

}  // namespace

std::uint16_t f16_of_f32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) {  // NaN: its upper bits, and never infinity's pattern
    const std::uint32_t payload = magnitude >> 13 & 0x3FFU;
    return static_cast<std::uint16_t>(sign | 0x7C00U | (payload == 0 ? 1U : payload));
  }
  if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x38800000U) {
    // Below 2^-14: adding 0.5 makes the unit of the sum that of a subnormal half, so the addition rounds as wanted.
    const float sum = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(sum) - 0x3F000000U));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + (magnitude >> 13 & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000U) >> 13));
}

bool can_encode(GgmlType type) {
  return type == GgmlType::f32 || type == GgmlType::f16 || type == GgmlType::bf16 || type == GgmlType::q8_0 ||
         type == GgmlType::q4_0;
}

std::size_t encoded_bytes(GgmlType type, std::int64_t count) {
  const BlockLayout layout = layout_of(type);
  HONE_CHECK(count % layout.values == 0);
  return static_cast<std::size_t>(count / layout.values * layout.bytes);
}

void encode_values(GgmlType type, std::span<const float> values, std::string& out) {
  HONE_CHECK(can_encode(type) && values.size() % static_cast<std::size_t>(layout_of(type).values) == 0);
  switch (type) {
    case GgmlType::f32:
      out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
      return;
    case GgmlType::f16:
      for (const float value : values) put(out, f16_of_f32(value));
      return;
    case GgmlType::bf16:
      for (const float value : values) put(out, bf16_of_f32(value));
      return;
    case GgmlType::q8_0:
      for (std::size_t i = 0; i < values.size(); i += block) put_q8_0(&values[i], out);
      return;
    default:
      for (std::size_t i = 0; i < values.size(); i += block) put_q4_0(&values[i], out);
  }
}

}  // namespace hone::formats
