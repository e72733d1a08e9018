// Loops over f32 arrays of any length for Highway kernels, one copy for each instruction set. Include after
// hwy/highway.h, inside a file that uses hwy/foreach_target.h.
#if defined(HONE_OPS_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HONE_OPS_LANES_INL_H_
#undef HONE_OPS_LANES_INL_H_
#else
#define HONE_OPS_LANES_INL_H_
#endif

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// body(tag, i) for the elements [i, i + Lanes(tag)), over [0, n).
template <class Body>
HWY_INLINE void each_lanes(std::size_t n, const Body& body) {
  const hn::ScalableTag<float> full;
  const hn::CappedTag<float, 1> one;
  std::size_t i = 0;
  for (; i + hn::Lanes(full) <= n; i += hn::Lanes(full)) body(full, i);
  for (; i < n; ++i) body(one, i);
}

// Sum over [0, n) of term(tag, i), in a fixed order.
template <class Term>
HWY_INLINE float sum_lanes(std::size_t n, const Term& term) {
  const hn::ScalableTag<float> full;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(full);
  auto even = hn::Zero(full);
  auto odd = hn::Zero(full);
  std::size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    even = hn::Add(even, term(full, i));
    odd = hn::Add(odd, term(full, i + lanes));
  }
  for (; i + lanes <= n; i += lanes) even = hn::Add(even, term(full, i));
  float sum = hn::GetLane(hn::SumOfLanes(full, hn::Add(even, odd)));
  for (; i < n; ++i) sum += hn::GetLane(term(one, i));
  return sum;
}

// Largest of values[0, n), n > 0.
HWY_INLINE float max_lanes(const float* values, std::size_t n) {
  const hn::ScalableTag<float> full;
  const std::size_t lanes = hn::Lanes(full);
  auto most = hn::Set(full, values[0]);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) most = hn::Max(most, hn::LoadU(full, values + i));
  float result = hn::GetLane(hn::MaxOfLanes(full, most));
  for (; i < n; ++i) result = values[i] > result ? values[i] : result;
  return result;
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HONE_OPS_LANES_INL_H_
