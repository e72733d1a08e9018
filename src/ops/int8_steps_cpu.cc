#include "ops/int8_steps.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/int8_steps_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::int64_t group_bytes = panel_columns * steps_together;

struct Range {
  float least;
  float greatest;
  float finite;  // 0, or NaN where a value is not finite
};

Range range_of(const float* x, const float* factor, std::int64_t columns) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto least = hn::Zero(d);
  auto greatest = hn::Zero(d);
  auto finite = hn::Zero(d);
  std::int64_t k = 0;
  for (; k + lanes <= columns; k += lanes) {
    const auto value = hn::Mul(hn::LoadU(d, x + k), hn::LoadU(d, factor + k));
    least = hn::Min(least, value);
    greatest = hn::Max(greatest, value);
    finite = hn::MulAdd(value, hn::Zero(d), finite);
  }
  Range range = {hn::GetLane(hn::MinOfLanes(d, least)), hn::GetLane(hn::MaxOfLanes(d, greatest)),
                 hn::GetLane(hn::SumOfLanes(d, finite))};
  for (; k < columns; ++k) {
    const float value = x[k] * factor[k];
    range.least = value < range.least ? value : range.least;
    range.greatest = value > range.greatest ? value : range.greatest;
    range.finite += value * 0;
  }
  return range;
}

void round_rows(const RoundRows& rows, std::int64_t begin, std::int64_t end) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::uint8_t, decltype(d)> db;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const StepRows& to = rows.to;
  for (std::int64_t row = begin; row < end; ++row) {
    const float* x = rows.x + row * rows.x_stride;
    std::uint8_t* steps = to.steps + row * to.stride;
    const Range range = range_of(x, rows.factor, to.columns);
    const float width = range.greatest - range.least;
    const float per_unit = width > 0 ? 255.0F / width : 0.0F;
    const auto zero = hn::NearestInt(hn::Set(d, -range.least * per_unit));
    to.scale[row] = width / 255.0F + range.finite;
    to.zero[row] = hn::GetLane(zero);
    const auto scaled = [&](std::int64_t k) {
      return hn::Mul(hn::Mul(hn::LoadU(d, x + k), hn::LoadU(d, rows.factor + k)), hn::Set(d, per_unit));
    };
    std::int64_t k = 0;
    for (; k + lanes <= to.columns; k += lanes)
      hn::StoreU(hn::DemoteTo(db, hn::Add(hn::NearestInt(scaled(k)), zero)), db, steps + k);
    for (; k < to.columns; ++k) {
      const std::int32_t step =
          hn::GetLane(hn::NearestInt(hn::Set(d, x[k] * rows.factor[k] * per_unit))) + to.zero[row];
      steps[k] = static_cast<std::uint8_t>(step < 0 ? 0 : step > 255 ? 255 : step);
    }
    for (; k % steps_together != 0; ++k) steps[k] = 0;
  }
}

void product_row(const StepProduct& p, std::int64_t row, std::int64_t panel) {
  const std::int64_t first = panel * panel_columns;
  const std::int64_t last = first + panel_columns < p.q->outer() ? panel_columns : p.q->outer() - first;
  const std::uint8_t* x = p.x.steps + row * p.x.stride;
  const std::int8_t* q = p.q->panel(panel);
  std::int32_t sums[panel_columns] = {};
  for (std::int64_t k = 0; k < p.x.columns; k += steps_together, q += group_bytes) {
    for (std::int64_t n = 0; n < panel_columns; ++n) {
      for (std::int64_t j = 0; j < steps_together; ++j) sums[n] += x[k + j] * q[n * steps_together + j];
    }
  }
  for (std::int64_t n = 0; n < last; ++n) {
    const std::int32_t sum = sums[n] - p.x.zero[row] * p.q->sums()[first + n];
    const float y = static_cast<float>(sum) * (p.x.scale[row] * p.factor[first + n]);
    float& to = p.y[row * p.y_stride + first + n];
    to = p.into == Matvec::Into::add ? y + to : y;
  }
}

void step_product(const StepProduct& p, RowRange rows, RowRange panels) {
  for (std::int64_t panel = panels.begin; panel < panels.end; ++panel)
    for (std::int64_t row = rows.begin; row < rows.end; ++row) product_row(p, row, panel);
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(round_rows);
HWY_EXPORT(step_product);

void round_rows_here(const RoundRows& rows, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(round_rows)(rows, begin, end);
}

void step_product_here(const StepProduct& product, RowRange rows, RowRange panels) {
  HONE_CHECK(product.x.columns == product.q->inner());
  HONE_CHECK(rows.begin >= 0 && rows.end <= product.x.rows && panels.begin >= 0 && panels.end <= product.q->panels());
  if (has_byte_products()) {
    step_product_vnni(product, rows, panels);
  } else {
    HWY_DYNAMIC_DISPATCH(step_product)(product, rows, panels);
  }
}

}  // namespace hone::ops
#endif
