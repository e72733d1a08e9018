#include "ops/matvec.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/matvec_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

// `rows` rows of x against one row of w, in `chains` independent sums each; unrolled, so that the sums stay in
// registers. Rows of w are read one after the other: side by side they halve what the memory delivers (28 to 13 GB/s on
// a Zen 4).
template <int rows, int chains>
HWY_INLINE void tile(const Matvec& p, std::int64_t row, std::int64_t out) {
  const hn::ScalableTag<float> d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  using V = hn::Vec<decltype(d)>;
  const float* x = p.x + row * p.in;
  const float* w = p.w + out * p.in;
  V sums[rows][chains];
  HWY_UNROLL(4)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int c = 0; c < chains; ++c) sums[r][c] = hn::Zero(d);
  }
  std::int64_t i = 0;
  for (; i + chains * lanes <= p.in; i += chains * lanes) {
    HWY_UNROLL(4)
    for (int c = 0; c < chains; ++c) {
      const V weight = hn::LoadU(d, w + i + c * lanes);
      HWY_UNROLL(4)
      for (int r = 0; r < rows; ++r) {
        sums[r][c] = hn::MulAdd(hn::LoadU(d, x + r * p.in + i + c * lanes), weight, sums[r][c]);
      }
    }
  }
  for (; i + lanes <= p.in; i += lanes) {
    const V weight = hn::LoadU(d, w + i);
    HWY_UNROLL(4)
    for (int r = 0; r < rows; ++r) sums[r][0] = hn::MulAdd(hn::LoadU(d, x + r * p.in + i), weight, sums[r][0]);
  }
  HWY_UNROLL(4)
  for (int r = 0; r < rows; ++r) {
    V all = sums[r][0];
    HWY_UNROLL(4)
    for (int c = 1; c < chains; ++c) all = hn::Add(all, sums[r][c]);
    float sum = hn::GetLane(hn::SumOfLanes(d, all));
    for (std::int64_t j = i; j < p.in; ++j) sum += x[r * p.in + j] * w[j];
    float& y = p.y[(row + r) * p.y_stride + out];
    y = p.into == Matvec::Into::add ? y + p.scale * sum : p.scale * sum;
  }
}

void matvec_slice(const Matvec& p, std::int64_t begin, std::int64_t end) {
  for (std::int64_t out = begin; out < end; ++out) {
    std::int64_t row = 0;
    for (; row + 4 <= p.rows; row += 4) tile<4, 2>(p, row, out);
    for (; row + 2 <= p.rows; row += 2) tile<2, 4>(p, row, out);
    for (; row < p.rows; ++row) tile<1, 4>(p, row, out);
  }
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(matvec_slice);

void matvec_here(const Matvec& product, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(matvec_slice)(product, begin, end);
}

void matvec_here(const Weight& weight, Matvec product, RowRange range, float* row) {
  if (weight.kind() == WeightKind::f32) {
    product.w = weight.f32();
    matvec_here(product, range.begin, range.end);
    return;
  }
  for (std::int64_t out = range.begin; out < range.end; ++out) {
    weight.widen(out, out + 1, row);
    Matvec one = product;
    one.w = row;
    one.y += out;
    matvec_here(one, 0, 1);
  }
}

}  // namespace hone::ops
#endif
