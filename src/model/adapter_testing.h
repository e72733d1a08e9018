// How far gradients of an adapter lie apart, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/adapter.h"

namespace hone::model {

// max over tensors of |a - b| / |b|, so that a small one cannot hide behind the rest; none of b may be zero.
inline double distance(Adapter& a, Adapter& b) {
  double worst = 0;
  const auto others = b.tensors();
  std::size_t at = 0;
  for (const Adapter::Named& named : a.tensors()) {
    const float* other = others[at++].tensor->f32();
    double apart = 0;
    double norm = 0;
    for (std::int64_t i = 0; i < named.tensor->shape().count(); ++i) {
      apart += std::pow(static_cast<double>(named.tensor->f32()[i]) - other[i], 2);
      norm += std::pow(static_cast<double>(other[i]), 2);
    }
    EXPECT_GT(norm, 0);
    worst = std::max(worst, std::sqrt(apart / norm));
  }
  return worst;
}

}  // namespace hone::model
