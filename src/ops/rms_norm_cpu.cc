#include <cmath>

#include "ops/norm_row.h"
#include "ops/rms_norm.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/rms_norm_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

HWY_INLINE float inverse_root(const NormRow& row) {
  const float* x = row.x;
  const float squares = sum_lanes(row.n, [x](auto d, std::size_t i) HWY_ATTR {
    const auto value = hn::LoadU(d, x + i);
    return hn::Mul(value, value);
  });
  return 1.0F / std::sqrt(squares / static_cast<float>(row.n) + row.epsilon);
}

void norm_row(const NormRow& row, float* y) {
  const float root = inverse_root(row);
  each_lanes(row.n, [=, x = row.x, w = row.w](auto d, std::size_t i) HWY_ATTR {
    const auto normed = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, root));
    hn::StoreU(hn::Mul(normed, hn::LoadU(d, w + i)), d, y + i);
  });
}

void norm_row_add(const NormRow& row, float* y) {
  const float root = inverse_root(row);
  each_lanes(row.n, [=, x = row.x, w = row.w](auto d, std::size_t i) HWY_ATTR {
    const auto normed = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, root));
    hn::StoreU(hn::MulAdd(normed, hn::LoadU(d, w + i), hn::LoadU(d, y + i)), d, y + i);
  });
}

void norm_row_backward(const NormRow& row, const float* dy, float* dx) {
  const float root = inverse_root(row);
  const float* x = row.x;
  const float* w = row.w;
  const float inner = sum_lanes(row.n, [=](auto d, std::size_t i) HWY_ATTR {
    return hn::Mul(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, w + i)), hn::LoadU(d, x + i));
  });
  const float along = inner * root * root * root / static_cast<float>(row.n);
  each_lanes(row.n, [=](auto d, std::size_t i) HWY_ATTR {
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
HWY_EXPORT(norm_row_add);
HWY_EXPORT(norm_row_backward);

namespace {

// Calls task(row, offset of its first element) for every row of x.
template <class Task>
void each_row(tensor::Exec& exec, tensor::ConstView x, const NormRow& like, const Task& task) {
  constexpr std::size_t row_grain = 16;
  exec.threads().for_slices(static_cast<std::size_t>(x.shape[0]), row_grain,
                            [&](std::size_t begin, std::size_t end, int) {
                              NormRow row = like;
                              for (std::size_t r = begin; r < end; ++r) {
                                row.x = x.f32() + r * row.n;
                                task(row, r * row.n);
                              }
                            });
}

NormRow row_of(tensor::ConstView x, tensor::ConstView w, float epsilon) {
  HONE_CHECK(x.shape.rank() == 2 && x.shape[1] == w.shape.count());
  return {nullptr, w.f32(), static_cast<std::size_t>(w.shape.count()), epsilon};
}

}  // namespace

void rms_norm(tensor::Exec& exec, tensor::ConstView x, tensor::ConstView w, float epsilon, tensor::View y) {
  HONE_CHECK(y.shape == x.shape);
  float* to = y.f32();
  each_row(exec, x, row_of(x, w, epsilon), [to](const NormRow& row, std::size_t at) {
    HWY_DYNAMIC_DISPATCH(norm_row)(row, to + at);
  });
}

void rms_norm_add(tensor::Exec& exec, tensor::ConstView x, tensor::ConstView w, float epsilon, tensor::View y) {
  HONE_CHECK(y.shape == x.shape);
  float* to = y.f32();
  each_row(exec, x, row_of(x, w, epsilon), [to](const NormRow& row, std::size_t at) {
    HWY_DYNAMIC_DISPATCH(norm_row_add)(row, to + at);
  });
}

void rms_norm_backward(tensor::Exec& exec, tensor::ConstView w, float epsilon, const RmsNormGradient& g) {
  HONE_CHECK(g.dy.shape == g.x.shape && g.dx.shape == g.x.shape);
  const float* dy = g.dy.f32();
  float* dx = g.dx.f32();
  each_row(exec, g.x, row_of(g.x, w, epsilon), [=](const NormRow& row, std::size_t at) {
    HWY_DYNAMIC_DISPATCH(norm_row_backward)(row, dy + at, dx + at);
  });
}

}  // namespace hone::ops
#endif
