// The logistic function for Highway kernels, one copy for each instruction set. Include after hwy/highway.h, inside a
// file that uses hwy/foreach_target.h.
#if defined(HONE_OPS_SIGMOID_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HONE_OPS_SIGMOID_INL_H_
#undef HONE_OPS_SIGMOID_INL_H_
#else
#define HONE_OPS_SIGMOID_INL_H_
#endif

#include <hwy/highway.h>
// math-inl.h needs highway.h before it.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

// 1 / (1 + exp(-z)).
template <class D, class V>
HWY_INLINE V sigmoid(D d, V z) {
  namespace hn = hwy::HWY_NAMESPACE;
  const auto one = hn::Set(d, 1.0F);
  // Above 104 hn::Exp is not defined, and wraps to 0 above 178.
  const auto power = hn::Min(hn::Neg(z), hn::Set(d, 88.0F));
  return hn::Div(one, hn::Add(one, hn::Exp(d, power)));
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HONE_OPS_SIGMOID_INL_H_
