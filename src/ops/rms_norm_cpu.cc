#include <cmath>

#include "ops/rms_norm.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/rms_norm_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

HWY_INLINE float inverse_root(const float* x, std::size_t n, float epsilon) {
  const float squares = sum_lanes(n, [x](auto d, std::size_t i) HWY_ATTR {
    const auto value = hn::LoadU(d, x + i);
    return hn::Mul(value, value);
  });
  return 1.0F / std::sqrt(squares / static_cast<float>(n) + epsilon);
}

void norm_row(const float* x, const float* w, std::size_t n, float epsilon, float* y) {
  const float root = inverse_root(x, n, epsilon);
  each_lanes(n, [=](auto d, std::size_t i) HWY_ATTR {
    const auto normed = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, root));
    hn::StoreU(hn::Mul(normed, hn::LoadU(d, w + i)), d, y + i);
  });
}

void norm_row_backward(const float* dy, const float* x, const float* w, std::size_t n, float epsilon, float* dx) {
  const float root = inverse_root(x, n, epsilon);
  const float inner = sum_lanes(n, [=](auto d, std::size_t i) HWY_ATTR {
    return hn::Mul(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, w + i)), hn::LoadU(d, x + i));
  });
  const float along = inner * root * root * root / static_cast<float>(n);
  each_lanes(n, [=](auto d, std::size_t i) HWY_ATTR {
    const auto across = hn::Mul(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, w + i)), hn::Set(d, root));
    const auto change = hn::NegMulAdd(hn::LoadU(d, x + i), hn::Set(d, along), across);
    hn::StoreU(hn::Add(hn::LoadU(d, dx + i), change), d, dx + i);
  });
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(norm_row);
HWY_EXPORT(norm_row_backward);

namespace {
constexpr std::size_t row_grain = 16;
}

void rms_norm(tensor::Exec& exec, tensor::ConstView x, tensor::ConstView w, float epsilon, tensor::View y) {
  const std::int64_t width = w.shape.count();
  HONE_CHECK(x.shape.rank() == 2 && x.shape[1] == width && y.shape == x.shape);
  const float* from = x.f32();
  float* to = y.f32();
  const auto rows = static_cast<std::size_t>(x.shape[0]);
  const auto n = static_cast<std::size_t>(width);
  exec.threads().for_slices(rows, row_grain, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t r = begin; r < end; ++r) {
      HWY_DYNAMIC_DISPATCH(norm_row)(from + r * n, w.f32(), n, epsilon, to + r * n);
    }
  });
}

void rms_norm_backward(tensor::Exec& exec, tensor::ConstView w, float epsilon, const RmsNormGradient& g) {
  const std::int64_t width = w.shape.count();
  HONE_CHECK(g.x.shape.rank() == 2 && g.x.shape[1] == width && g.dy.shape == g.x.shape && g.dx.shape == g.x.shape);
  const auto rows = static_cast<std::size_t>(g.x.shape[0]);
  const auto n = static_cast<std::size_t>(width);
  exec.threads().for_slices(rows, row_grain, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t r = begin; r < end; ++r) {
      HWY_DYNAMIC_DISPATCH(norm_row_backward)
      (g.dy.f32() + r * n, g.x.f32() + r * n, w.f32(), n, epsilon, g.dx.f32() + r * n);
    }
  });
}

}  // namespace hone::ops
#endif
