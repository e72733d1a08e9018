#include "ops/simd_targets.h"
#include "ops/softmax_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/softmax_rows_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// math-inl.h needs highway.h before it.
#include <hwy/contrib/math/math-inl.h>

#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

SoftmaxSum unscaled(float* row, std::size_t n) {
  const float most = max_lanes(row, n);
  const float sum = sum_lanes(n, [row, most](auto d, std::size_t i) HWY_ATTR {
    const auto power = hn::Exp(d, hn::Sub(hn::LoadU(d, row + i), hn::Set(d, most)));
    hn::StoreU(power, d, row + i);
    return power;
  });
  return {most, sum};
}

void backward(float lse, float inner, std::size_t n, float* p, float* dp) {
  each_lanes(n, [=](auto d, std::size_t i) HWY_ATTR {
    const auto probability = hn::Exp(d, hn::Sub(hn::LoadU(d, p + i), hn::Set(d, lse)));
    const auto change = hn::Mul(probability, hn::Sub(hn::LoadU(d, dp + i), hn::Set(d, inner)));
    hn::StoreU(probability, d, p + i);
    hn::StoreU(change, d, dp + i);
  });
}

float dot_product(const float* a, const float* b, std::size_t n) {
  return sum_lanes(
      n, [a, b](auto d, std::size_t i) HWY_ATTR { return hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i)); });
}

void scaled(const float* from, float factor, std::size_t n, float* to) {
  each_lanes(n, [=](auto d, std::size_t i)
                    HWY_ATTR { hn::StoreU(hn::Mul(hn::LoadU(d, from + i), hn::Set(d, factor)), d, to + i); });
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(unscaled);
HWY_EXPORT(backward);
HWY_EXPORT(dot_product);
HWY_EXPORT(scaled);

SoftmaxSum softmax_unscaled(float* row, std::size_t n) { return HWY_DYNAMIC_DISPATCH(unscaled)(row, n); }

void softmax_backward(float lse, float inner, std::size_t n, float* p, float* dp) {
  HWY_DYNAMIC_DISPATCH(backward)(lse, inner, n, p, dp);
}

float dot(const float* a, const float* b, std::size_t n) { return HWY_DYNAMIC_DISPATCH(dot_product)(a, b, n); }

void scaled_copy(const float* from, float factor, std::size_t n, float* to) {
  HWY_DYNAMIC_DISPATCH(scaled)(from, factor, n, to);
}

}  // namespace hone::ops
#endif
