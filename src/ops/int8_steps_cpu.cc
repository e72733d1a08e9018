#include <algorithm>
#include <vector>

#include "ops/int8_steps.h"
#include "ops/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/int8_steps_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct Rounded {
  float scale;
  float offset;
  float sum;
};

// `count` values, a multiple of 32, to steps.
Rounded round_span(const float* x, std::int64_t count, std::uint8_t* steps) {
  const hn::CappedTag<float, step_group> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<std::uint8_t, decltype(d)> db;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto least = hn::Zero(d);
  auto greatest = hn::Zero(d);
  auto finite = hn::Zero(d);  // NaN where a value is not finite
  for (std::int64_t k = 0; k < count; k += lanes) {
    const auto value = hn::LoadU(d, x + k);
    least = hn::Min(least, value);
    greatest = hn::Max(greatest, value);
    finite = hn::MulAdd(value, hn::Zero(d), finite);
  }
  const float low = hn::GetLane(hn::MinOfLanes(d, least));
  const float width = hn::GetLane(hn::MaxOfLanes(d, greatest)) - low;
  const float per_unit = width > 0 ? 255.0F / width : 0.0F;
  const auto factor = hn::Set(d, per_unit);
  const auto zero = hn::NearestInt(hn::Set(d, -low * per_unit));
  auto total = hn::Zero(di);  // of steps above 0
  for (std::int64_t k = 0; k < count; k += lanes) {
    const auto above = hn::NearestInt(hn::Mul(hn::LoadU(d, x + k), factor));
    total = hn::Add(total, above);
    hn::StoreU(hn::DemoteTo(db, hn::Add(above, zero)), db, steps + k);
  }
  const bool is_finite = hn::AllTrue(d, hn::Eq(finite, hn::Zero(d)));
  const float scale = is_finite ? width * (1.0F / 255.0F) : __builtin_nanf("");
  return {scale, -scale * static_cast<float>(hn::GetLane(zero)),
          scale * static_cast<float>(hn::GetLane(hn::SumOfLanes(di, total)))};
}

void round_rows(const float* x, const StepRows& to, RowRange rows) {
  const std::int64_t padded = to.groups * step_group;
  std::vector<float> line(padded == to.columns ? 0 : static_cast<std::size_t>(padded));
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* from = x + row * to.columns;
    if (!line.empty()) {
      std::copy(from, from + to.columns, line.begin());
      from = line.data();
    }
    for (std::int64_t s = 0; s < to.spans; ++s) {
      const std::int64_t begin = s * to.span;
      const Rounded rounded =
          round_span(from + begin, std::min(to.span, padded - begin), to.steps + row * padded + begin);
      to.scales[row * to.spans + s] = rounded.scale;
      to.offsets[row * to.spans + s] = rounded.offset;
      to.sums[row * to.spans + s] = rounded.sum;
    }
  }
}

// A grid of steps: value = scale q + offset.
struct Grid {
  float scale;
  float offset;
  float per_unit;  // 1 / scale, or 0
};

template <class D>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> step_on(D d, const Grid& grid, hn::Vec<D> value) {
  return hn::NearestInt(hn::Mul(hn::Sub(value, hn::Set(d, grid.offset)), hn::Set(d, grid.per_unit)));
}

// Sum of the squared distances between values and grid.
float distance_to(const Grid& grid, const float* values, std::int64_t count) {
  const hn::CappedTag<float, step_group> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto error = hn::Zero(d);
  for (std::int64_t k = 0; k < count; k += lanes) {
    const auto value = hn::LoadU(d, values + k);
    const auto back =
        hn::MulAdd(hn::ConvertTo(d, step_on(d, grid, value)), hn::Set(d, grid.scale), hn::Set(d, grid.offset));
    const auto off = hn::Sub(back, value);
    error = hn::MulAdd(off, off, error);
  }
  return hn::GetLane(hn::SumOfLanes(d, error));
}

RoundedWeights round_weights(const float* values, std::int64_t count, std::int8_t* steps) {
  const hn::CappedTag<float, step_group> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto least = hn::LoadU(d, values);
  auto greatest = least;
  for (std::int64_t k = lanes; k < count; k += lanes) {
    least = hn::Min(least, hn::LoadU(d, values + k));
    greatest = hn::Max(greatest, hn::LoadU(d, values + k));
  }
  const float low = hn::GetLane(hn::MinOfLanes(d, least));
  const float high = hn::GetLane(hn::MaxOfLanes(d, greatest));
  const float largest = std::max(high, -low);
  const float width = high - low;
  const Grid even = {largest / 127.0F, 0, largest > 0 ? 127.0F / largest : 0.0F};
  // -128 stands for the least value.
  const Grid between = {width / 255.0F, low + width * (128.0F / 255.0F), width > 0 ? 255.0F / width : 0.0F};
  const Grid grid = distance_to(between, values, count) < distance_to(even, values, count) ? between : even;
  const hn::Rebind<std::int8_t, decltype(d)> db;
  const hn::RebindToSigned<decltype(d)> di;
  auto sum = hn::Zero(di);
  for (std::int64_t k = 0; k < count; k += lanes) {
    const auto step = step_on(d, grid, hn::LoadU(d, values + k));
    sum = hn::Add(sum, step);
    hn::StoreU(hn::DemoteTo(db, step), db, steps + k);
  }
  return {grid.scale, grid.offset, grid.scale * static_cast<float>(hn::GetLane(hn::SumOfLanes(di, sum)))};
}

// Without an instruction for it.
void product_row(const StepProduct& p, std::int64_t row, std::int64_t panel) {
  float y[panel_columns] = {};
  const PackedSteps::Block* block = p.w->panel(panel);
  const std::uint8_t* x = p.x.steps + row * p.x.groups * step_group;
  const std::int64_t groups_a_span = p.x.span / step_group;
  for (std::int64_t s = 0; s < p.x.spans; ++s) {
    std::int32_t sums[panel_columns] = {};
    const std::int64_t end = std::min(p.x.groups, (s + 1) * groups_a_span);
    for (std::int64_t group = s * groups_a_span; group < end; ++group)
      for (std::int64_t k = 0; k < step_group; ++k)
        for (std::int64_t n = 0; n < panel_columns; ++n)
          sums[n] += x[group * step_group + k] * block[group].steps[k / 4][n][k % 4];
    const std::int64_t at = row * p.x.spans + s;
    for (std::int64_t n = 0; n < panel_columns; ++n) {
      y[n] = y[n] + static_cast<float>(sums[n]) * (p.x.scales[at] * block[end - 1].scales[n]);
      y[n] = y[n] + p.x.offsets[at] * block[end - 1].sums[n];
      y[n] = y[n] + p.x.sums[at] * block[end - 1].offsets[n];
    }
  }
  const std::int64_t first = panel * panel_columns;
  float* to = p.y + row * p.y_stride + first;
  for (std::int64_t n = 0; n < std::min(panel_columns, p.w->outer() - first); ++n)
    to[n] = p.into == Into::add ? to[n] + y[n] : y[n];
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
HWY_EXPORT(round_weights);
HWY_EXPORT(step_product);

void round_rows_here(const float* x, const StepRows& to, RowRange rows) {
  HWY_DYNAMIC_DISPATCH(round_rows)(x, to, rows);
}

RoundedWeights round_weights_here(const float* values, std::int64_t count, std::int8_t* steps) {
  HONE_CHECK(count % step_group == 0);
  return HWY_DYNAMIC_DISPATCH(round_weights)(values, count, steps);
}

void step_product_here(const StepProduct& product, RowRange rows, RowRange panels) {
  HONE_CHECK(product.x.columns == product.w->inner() && product.x.span == product.w->span());
  HONE_CHECK(rows.begin >= 0 && rows.end <= product.x.rows && panels.begin >= 0 && panels.end <= product.w->panels());
  if (has_byte_products()) {
    step_product_vnni(product, rows, panels);
  } else {
    HWY_DYNAMIC_DISPATCH(step_product)(product, rows, panels);
  }
}

}  // namespace hone::ops
#endif
