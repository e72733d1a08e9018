#include "ops/geglu.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/geglu_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"
#include "ops/sigmoid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

// gelu(z) = z sigmoid(2 u), since 1 + tanh(u) = 2 sigmoid(2 u).
constexpr float twice_slope = 1.5957691216057308F;  // 2 sqrt(2 / pi)
constexpr float cubic = 0.044715F;

template <class D, class V>
HWY_INLINE V twice_u(D d, V z) {
  const auto inner = hn::MulAdd(hn::Mul(hn::Mul(z, z), hn::Set(d, cubic)), z, z);
  return hn::Mul(inner, hn::Set(d, twice_slope));
}

void geglu_span(const float* gate, const float* up, std::size_t n, float* out) {
  each_lanes(n, [=](auto d, std::size_t i) HWY_ATTR {
    const auto z = hn::LoadU(d, gate + i);
    hn::StoreU(hn::Mul(hn::Mul(z, sigmoid(d, twice_u(d, z))), hn::LoadU(d, up + i)), d, out + i);
  });
}

void geglu_span_backward(const float* dout, float* gate, float* up, std::size_t n) {
  each_lanes(n, [=](auto d, std::size_t i) HWY_ATTR {
    const auto one = hn::Set(d, 1.0F);
    const auto z = hn::LoadU(d, gate + i);
    const auto s = sigmoid(d, twice_u(d, z));
    // d(2 u)/dz = 2 sqrt(2 / pi) (1 + 3 * 0.044715 z^2)
    const auto du = hn::Mul(hn::MulAdd(hn::Mul(z, z), hn::Set(d, 3 * cubic), one), hn::Set(d, twice_slope));
    const auto slope = hn::Mul(s, hn::MulAdd(hn::Mul(z, hn::Sub(one, s)), du, one));
    const auto dy = hn::LoadU(d, dout + i);
    const auto gelu = hn::Mul(z, s);
    hn::StoreU(hn::Mul(hn::Mul(dy, hn::LoadU(d, up + i)), slope), d, gate + i);
    hn::StoreU(hn::Mul(dy, gelu), d, up + i);
  });
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(geglu_span);
HWY_EXPORT(geglu_span_backward);

namespace {
constexpr std::size_t grain = 8192;
}

void geglu(tensor::Exec& exec, tensor::ConstView gate, tensor::ConstView up, tensor::View out) {
  HONE_CHECK(gate.shape == up.shape && gate.shape == out.shape);
  const auto count = static_cast<std::size_t>(gate.shape.count());
  exec.threads().for_slices(count, grain, [&](std::size_t begin, std::size_t end, int) {
    HWY_DYNAMIC_DISPATCH(geglu_span)(gate.f32() + begin, up.f32() + begin, end - begin, out.f32() + begin);
  });
}

void geglu_backward(tensor::Exec& exec, tensor::ConstView dout, tensor::View gate, tensor::View up) {
  HONE_CHECK(gate.shape == up.shape && gate.shape == dout.shape);
  const auto count = static_cast<std::size_t>(gate.shape.count());
  exec.threads().for_slices(count, grain, [&](std::size_t begin, std::size_t end, int) {
    HWY_DYNAMIC_DISPATCH(geglu_span_backward)(dout.f32() + begin, gate.f32() + begin, up.f32() + begin, end - begin);
  });
}

}  // namespace hone::ops
#endif
