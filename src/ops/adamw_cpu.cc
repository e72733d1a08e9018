#include <cmath>
#include <vector>

#include "ops/adamw.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/adamw_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"

#ifndef HONE_OPS_ADAMW_FACTORS
#define HONE_OPS_ADAMW_FACTORS
namespace hone::ops {
// The settings of one step, rounded to f32 where torch rounds them.
struct AdamwFactors {
  float keep, one_minus_beta1, beta2, one_minus_beta2, root_correction2, epsilon, step_size, gradient_scale;
};
struct AdamwSpan {
  float* p;
  const float* g;
  float* m;
  float* v;
};
}  // namespace hone::ops
#endif

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

void adamw_span(const AdamwFactors& f, const AdamwSpan& s, std::size_t n) {
  each_lanes(n, [&](auto d, std::size_t i) HWY_ATTR {
    const auto g = hn::Mul(hn::LoadU(d, s.g + i), hn::Set(d, f.gradient_scale));
    const auto p = hn::Mul(hn::LoadU(d, s.p + i), hn::Set(d, f.keep));
    const auto m0 = hn::LoadU(d, s.m + i);
    const auto m = hn::MulAdd(hn::Sub(g, m0), hn::Set(d, f.one_minus_beta1), m0);
    const auto g2 = hn::Mul(hn::Mul(g, g), hn::Set(d, f.one_minus_beta2));
    const auto v = hn::MulAdd(hn::LoadU(d, s.v + i), hn::Set(d, f.beta2), g2);
    const auto root = hn::Div(hn::Sqrt(v), hn::Set(d, f.root_correction2));
    const auto change = hn::Div(m, hn::Add(root, hn::Set(d, f.epsilon)));
    hn::StoreU(m, d, s.m + i);
    hn::StoreU(v, d, s.v + i);
    hn::StoreU(hn::NegMulAdd(change, hn::Set(d, f.step_size), p), d, s.p + i);
  });
}

float squares_of(const float* values, std::size_t n) {
  return sum_lanes(n, [values](auto d, std::size_t i) HWY_ATTR {
    const auto value = hn::LoadU(d, values + i);
    return hn::Mul(value, value);
  });
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(adamw_span);
HWY_EXPORT(squares_of);

void adamw(tensor::Exec& exec, const AdamwSettings& s, const AdamwTensors& t) {
  HONE_CHECK(t.gradient.shape == t.parameter.shape && t.m.shape == t.parameter.shape && t.v.shape == t.parameter.shape);
  HONE_CHECK(s.step >= 1);
  const auto step = static_cast<double>(s.step);
  AdamwFactors f{};
  f.keep = static_cast<float>(1 - s.rate * s.weight_decay);
  f.one_minus_beta1 = static_cast<float>(1 - s.beta1);
  f.beta2 = static_cast<float>(s.beta2);
  f.one_minus_beta2 = static_cast<float>(1 - s.beta2);
  f.root_correction2 = static_cast<float>(std::sqrt(1 - std::pow(s.beta2, step)));
  f.epsilon = static_cast<float>(s.epsilon);
  f.step_size = static_cast<float>(s.rate / (1 - std::pow(s.beta1, step)));
  f.gradient_scale = static_cast<float>(s.gradient_scale);
  const AdamwSpan all{t.parameter.f32(), t.gradient.f32(), t.m.f32(), t.v.f32()};
  const auto count = static_cast<std::size_t>(t.parameter.shape.count());
  exec.threads().for_slices(count, 16384, [&](std::size_t begin, std::size_t end, int) {
    const AdamwSpan span{all.p + begin, all.g + begin, all.m + begin, all.v + begin};
    HWY_DYNAMIC_DISPATCH(adamw_span)(f, span, end - begin);
  });
}

double squared_norm(tensor::Exec& exec, tensor::ConstView values) {
  constexpr std::size_t block = 1024;
  const auto count = static_cast<std::size_t>(values.shape.count());
  const float* data = values.f32();
  std::vector<float> sums((count + block - 1) / block);
  exec.threads().for_slices(sums.size(), 32, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t b = begin; b < end; ++b) {
      sums[b] = HWY_DYNAMIC_DISPATCH(squares_of)(data + b * block, std::min(block, count - b * block));
    }
  });
  double total = 0;
  for (float sum : sums) total += static_cast<double>(sum);
  return total;
}

}  // namespace hone::ops
#endif
