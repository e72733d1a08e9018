#include "ops/simd_targets.h"
#include "ops/swiglu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/swiglu_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"
#include "ops/sigmoid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

void swiglu_span(const float* gate, const float* up, std::size_t n, float* out) {
  each_lanes(n, [=](auto d, std::size_t i) HWY_ATTR {
    const auto z = hn::LoadU(d, gate + i);
    hn::StoreU(hn::Mul(hn::Mul(z, sigmoid(d, z)), hn::LoadU(d, up + i)), d, out + i);
  });
}

void swiglu_span_backward(const float* dout, float* gate, float* up, std::size_t n) {
  each_lanes(n, [=](auto d, std::size_t i) HWY_ATTR {
    const auto one = hn::Set(d, 1.0F);
    const auto z = hn::LoadU(d, gate + i);
    const auto s = sigmoid(d, z);
    const auto silu = hn::Mul(z, s);
    const auto slope = hn::Mul(s, hn::MulAdd(z, hn::Sub(one, s), one));
    const auto dy = hn::LoadU(d, dout + i);
    hn::StoreU(hn::Mul(hn::Mul(dy, hn::LoadU(d, up + i)), slope), d, gate + i);
    hn::StoreU(hn::Mul(dy, silu), d, up + i);
  });
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(swiglu_span);
HWY_EXPORT(swiglu_span_backward);

namespace {
constexpr std::size_t grain = 8192;
}

void swiglu(tensor::Exec& exec, tensor::ConstView gate, tensor::ConstView up, tensor::View out) {
  HONE_CHECK(gate.shape == up.shape && gate.shape == out.shape);
  const auto count = static_cast<std::size_t>(gate.shape.count());
  exec.threads().for_slices(count, grain, [&](std::size_t begin, std::size_t end, int) {
    HWY_DYNAMIC_DISPATCH(swiglu_span)(gate.f32() + begin, up.f32() + begin, end - begin, out.f32() + begin);
  });
}

void swiglu_backward(tensor::Exec& exec, tensor::ConstView dout, tensor::View gate, tensor::View up) {
  HONE_CHECK(gate.shape == up.shape && gate.shape == dout.shape);
  const auto count = static_cast<std::size_t>(gate.shape.count());
  exec.threads().for_slices(count, grain, [&](std::size_t begin, std::size_t end, int) {
    HWY_DYNAMIC_DISPATCH(swiglu_span_backward)(dout.f32() + begin, gate.f32() + begin, up.f32() + begin, end - begin);
  });
}

}  // namespace hone::ops
#endif
