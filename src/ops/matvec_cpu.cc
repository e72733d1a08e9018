#include "ops/matvec.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/matvec_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

// `rows` rows of x against `outputs` rows of w: each vector of w is loaded once for all rows of x.
template <int rows, int outputs>
HWY_INLINE void tile(const Matvec& p, std::int64_t row, std::int64_t out) {
  const hn::ScalableTag<float> d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  using V = hn::Vec<decltype(d)>;
  const float* x = p.x + row * p.in;
  const float* w = p.w + out * p.in;
  V sums[rows][outputs];
  for (int r = 0; r < rows; ++r) {
    for (int o = 0; o < outputs; ++o) sums[r][o] = hn::Zero(d);
  }
  std::int64_t i = 0;
  for (; i + lanes <= p.in; i += lanes) {
    V values[rows];
    for (int r = 0; r < rows; ++r) values[r] = hn::LoadU(d, x + r * p.in + i);
    for (int o = 0; o < outputs; ++o) {
      const V weight = hn::LoadU(d, w + o * p.in + i);
      for (int r = 0; r < rows; ++r) sums[r][o] = hn::MulAdd(values[r], weight, sums[r][o]);
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int o = 0; o < outputs; ++o) {
      float sum = hn::GetLane(hn::SumOfLanes(d, sums[r][o]));
      for (std::int64_t j = i; j < p.in; ++j) sum += x[r * p.in + j] * w[o * p.in + j];
      float& y = p.y[(row + r) * p.y_stride + out + o];
      y = p.into == Matvec::Into::add ? y + p.scale * sum : p.scale * sum;
    }
  }
}

template <int outputs>
HWY_INLINE void all_rows(const Matvec& p, std::int64_t out) {
  std::int64_t row = 0;
  for (; row + 4 <= p.rows; row += 4) tile<4, outputs>(p, row, out);
  for (; row + 2 <= p.rows; row += 2) tile<2, outputs>(p, row, out);
  for (; row < p.rows; ++row) tile<1, outputs>(p, row, out);
}

void matvec_slice(const Matvec& p, std::int64_t begin, std::int64_t end) {
  std::int64_t out = begin;
  for (; out + 4 <= end; out += 4) all_rows<4>(p, out);
  for (; out < end; ++out) all_rows<1>(p, out);
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(matvec_slice);

void matvec_here(const Matvec& product, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(matvec_slice)(product, begin, end);
}

void matvec_here(const Weight& weight, Matvec product, std::int64_t begin, std::int64_t end) {
  product.w = weight.f32();
  matvec_here(product, begin, end);
}

}  // namespace hone::ops
#endif
