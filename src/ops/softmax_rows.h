// Softmax of single rows on the calling thread, for attention.
#pragma once

#include <cstddef>

namespace hone::ops {

struct SoftmaxSum {
  float most = 0;  // max of the row
  float sum = 0;   // sum of exp(row - most)
};

// row[i] = exp(row[i] - max) for i < n; n > 0.
SoftmaxSum softmax_unscaled(float* row, std::size_t n);

// p[i] = exp(p[i] - lse);  dp[i] = p[i] (dp[i] - inner).
void softmax_backward(float lse, float inner, std::size_t n, float* p, float* dp);

// sum of a[i] b[i].
float dot(const float* a, const float* b, std::size_t n);

// to[i] = factor from[i].
void scaled_copy(const float* from, float factor, std::size_t n, float* to);

}  // namespace hone::ops
