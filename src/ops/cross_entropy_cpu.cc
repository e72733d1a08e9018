#include <cmath>
#include <vector>

#include "ops/cross_entropy.h"
#include "ops/simd_targets.h"
#include "ops/softmax_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cross_entropy_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// math-inl.h needs highway.h before it.
#include <hwy/contrib/math/math-inl.h>

#include "ops/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

// row[i] = exp(row[i] - max); the sum in blocks, so that a long row loses no digits.
SoftmaxSum exponentials(float* row, std::size_t n) {
  constexpr std::size_t block = 1024;
  const float most = max_lanes(row, n);
  double total = 0;
  for (std::size_t begin = 0; begin < n; begin += block) {
    const std::size_t length = n - begin < block ? n - begin : block;
    float* values = row + begin;
    total += static_cast<double>(sum_lanes(length, [values, most](auto d, std::size_t i) HWY_ATTR {
      const auto power = hn::Exp(d, hn::Sub(hn::LoadU(d, values + i), hn::Set(d, most)));
      hn::StoreU(power, d, values + i);
      return power;
    }));
  }
  return {most, static_cast<float>(total)};
}

void scale_span(float* values, std::size_t n, float factor) {
  each_lanes(n, [=](auto d, std::size_t i)
                    HWY_ATTR { hn::StoreU(hn::Mul(hn::LoadU(d, values + i), hn::Set(d, factor)), d, values + i); });
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(exponentials);
HWY_EXPORT(scale_span);

namespace {

// The losses of one row's targets, written to losses[i].
void one_row(std::span<const RowTarget> targets, LogitsBecome become, std::span<float> row, double* losses) {
  std::vector<float> at_targets;
  float weights = 0;
  for (const RowTarget& target : targets) {
    at_targets.push_back(row[static_cast<std::size_t>(target.id)]);
    weights += target.weight;
  }
  const auto found = HWY_DYNAMIC_DISPATCH(exponentials)(row.data(), row.size());
  const double log_sum = static_cast<double>(found.most) + std::log(static_cast<double>(found.sum));
  for (std::size_t i = 0; i < targets.size(); ++i) {
    losses[i] = static_cast<double>(targets[i].weight) * (log_sum - static_cast<double>(at_targets[i]));
  }
  if (become == LogitsBecome::scratch) return;
  HWY_DYNAMIC_DISPATCH(scale_span)(row.data(), row.size(), weights / found.sum);
  for (const RowTarget& target : targets) row[static_cast<std::size_t>(target.id)] -= target.weight;
}

}  // namespace

double cross_entropy(tensor::Exec& exec, std::span<const RowTarget> targets, LogitsBecome become, tensor::View logits) {
  HONE_CHECK(logits.shape.rank() == 2);
  const std::int64_t rows = logits.shape[0];
  const auto vocabulary = static_cast<std::size_t>(logits.shape[1]);
  std::vector<std::size_t> first(static_cast<std::size_t>(rows) + 1, targets.size());
  for (std::size_t i = targets.size(); i-- > 0;) {
    const RowTarget& target = targets[i];
    HONE_CHECK(target.row >= 0 && target.row < rows && (i == 0 || targets[i - 1].row <= target.row));
    if (target.id < 0 || static_cast<std::size_t>(target.id) >= vocabulary) {
      fail(ErrorCode::bad_input, "target token id {} is outside the model's vocabulary of {}", target.id, vocabulary);
    }
    first[static_cast<std::size_t>(target.row)] = i;
  }
  for (std::size_t row = static_cast<std::size_t>(rows); row-- > 0;) first[row] = std::min(first[row], first[row + 1]);
  std::vector<double> losses(targets.size());
  exec.threads().for_slices(static_cast<std::size_t>(rows), 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      one_row(targets.subspan(first[row], first[row + 1] - first[row]), become,
              {logits.f32() + row * vocabulary, vocabulary}, losses.data() + first[row]);
    }
  });
  double total = 0;
  for (double loss : losses) total += loss;
  return total;
}

}  // namespace hone::ops
#endif
