#include <cmath>

#include "ops/rope.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/rope_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

// One head: `half` pairs; `sign` -1 turns back.
void turn_head(const float* cos, const float* sin, float sign, std::size_t half, float* x) {
  each_lanes(half, [=](auto d, std::size_t i) HWY_ATTR {
    const auto c = hn::LoadU(d, cos + i);
    const auto s = hn::Mul(hn::LoadU(d, sin + i), hn::Set(d, sign));
    const auto low = hn::LoadU(d, x + i);
    const auto high = hn::LoadU(d, x + half + i);
    hn::StoreU(hn::NegMulAdd(high, s, hn::Mul(low, c)), d, x + i);
    hn::StoreU(hn::MulAdd(low, s, hn::Mul(high, c)), d, x + half + i);
  });
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(turn_head);

void rope_angles(std::span<const std::int32_t> positions, std::span<const float> frequencies, tensor::View cos,
                 tensor::View sin) {
  const tensor::Shape shape(
      {static_cast<std::int64_t>(positions.size()), static_cast<std::int64_t>(frequencies.size())});
  HONE_CHECK(cos.shape == shape && sin.shape == shape);
  float* c = cos.f32();
  float* s = sin.f32();
  for (std::int32_t position : positions) {
    for (float frequency : frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      *c++ = std::cos(angle);
      *s++ = std::sin(angle);
    }
  }
}

void rope(tensor::Exec& exec, tensor::ConstView cos, tensor::ConstView sin, Turn turn, tensor::View x) {
  HONE_CHECK(cos.shape.rank() == 2 && sin.shape == cos.shape && x.shape.rank() == 2 && x.shape[0] == cos.shape[0]);
  const auto half = static_cast<std::size_t>(cos.shape[1]);
  const auto width = static_cast<std::size_t>(x.shape[1]);
  HONE_CHECK(width % (2 * half) == 0);
  const float sign = turn == Turn::forward ? 1.0F : -1.0F;
  exec.threads().for_slices(static_cast<std::size_t>(x.shape[0]), 32, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      for (std::size_t head = 0; head < width; head += 2 * half) {
        HWY_DYNAMIC_DISPATCH(turn_head)
        (cos.f32() + row * half, sin.f32() + row * half, sign, half, x.f32() + row * width + head);
      }
    }
  });
}

}  // namespace hone::ops
#endif
