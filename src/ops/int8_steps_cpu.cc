#include <algorithm>
#include <array>

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
};

// 32 values to steps.
Rounded round_group(const float* x, std::uint8_t* steps) {
  const hn::CappedTag<float, step_group> d;
  const hn::Rebind<std::uint8_t, decltype(d)> db;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto least = hn::Zero(d);
  auto greatest = hn::Zero(d);
  auto finite = hn::Zero(d);  // NaN where a value is not finite
  for (std::int64_t k = 0; k < step_group; k += lanes) {
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
  for (std::int64_t k = 0; k < step_group; k += lanes) {
    const auto step = hn::Add(hn::NearestInt(hn::Mul(hn::LoadU(d, x + k), factor)), zero);
    hn::StoreU(hn::DemoteTo(db, step), db, steps + k);
  }
  const bool is_finite = hn::AllTrue(d, hn::Eq(finite, hn::Zero(d)));
  const float scale = is_finite ? width * (1.0F / 255.0F) : __builtin_nanf("");
  return {scale, -scale * static_cast<float>(hn::GetLane(zero))};
}

void round_rows(const float* x, const StepRows& to, RowRange rows) {
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* from = x + row * to.columns;
    for (std::int64_t group = 0; group < to.groups; ++group) {
      const std::int64_t at = row * to.groups + group;
      const std::int64_t count = std::min(step_group, to.columns - group * step_group);
      std::array<float, step_group> padded{};
      if (count < step_group) std::copy(from + group * step_group, from + to.columns, padded.begin());
      const Rounded rounded =
          round_group(count < step_group ? padded.data() : from + group * step_group, to.steps + at * step_group);
      to.scales[at] = rounded.scale;
      to.offsets[at] = rounded.offset;
    }
  }
}

float round_weights(const float* values, std::int8_t* steps, float& sum) {
  const hn::CappedTag<float, step_group> d;
  const hn::Rebind<std::int8_t, decltype(d)> db;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto most = hn::Zero(d);
  for (std::int64_t k = 0; k < step_group; k += lanes) most = hn::Max(most, hn::Abs(hn::LoadU(d, values + k)));
  const float largest = hn::GetLane(hn::MaxOfLanes(d, most));
  const auto per_unit = hn::Set(d, largest > 0 ? 127.0F / largest : 0.0F);
  auto total = hn::Zero(di);
  for (std::int64_t k = 0; k < step_group; k += lanes) {
    const auto step = hn::NearestInt(hn::Mul(hn::LoadU(d, values + k), per_unit));
    total = hn::Add(total, step);
    hn::StoreU(hn::DemoteTo(db, step), db, steps + k);
  }
  const float scale = largest / 127.0F;
  sum = scale * static_cast<float>(hn::GetLane(hn::SumOfLanes(di, total)));
  return scale;
}

// Without an instruction for it.
void product_row(const StepProduct& p, std::int64_t row, std::int64_t panel) {
  float y[panel_columns] = {};
  const PackedSteps::Block* block = p.w->panel(panel);
  for (std::int64_t group = 0; group < p.x.groups; ++group, ++block) {
    const std::int64_t at = row * p.x.groups + group;
    const std::uint8_t* x = p.x.steps + at * step_group;
    std::int32_t sums[panel_columns] = {};
    for (std::int64_t k = 0; k < step_group; ++k)
      for (std::int64_t n = 0; n < panel_columns; ++n) sums[n] += x[k] * block->steps[k / 4][n][k % 4];
    for (std::int64_t n = 0; n < panel_columns; ++n) {
      y[n] = y[n] + static_cast<float>(sums[n]) * (p.x.scales[at] * block->scales[n]);
      y[n] = y[n] + p.x.offsets[at] * block->sums[n];
    }
  }
  const std::int64_t first = panel * panel_columns;
  float* to = p.y + row * p.y_stride + first;
  for (std::int64_t n = 0; n < std::min(panel_columns, p.w->outer() - first); ++n)
    to[n] = p.into == Matvec::Into::add ? to[n] + y[n] : y[n];
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

float round_weights_here(const float* values, std::int8_t* steps, float& sum) {
  return HWY_DYNAMIC_DISPATCH(round_weights)(values, steps, sum);
}

void step_product_here(const StepProduct& product, RowRange rows, RowRange panels) {
  HONE_CHECK(product.x.columns == product.w->inner());
  HONE_CHECK(rows.begin >= 0 && rows.end <= product.x.rows && panels.begin >= 0 && panels.end <= product.w->panels());
  if (has_byte_products()) {
    step_product_vnni(product, rows, panels);
  } else {
    HWY_DYNAMIC_DISPATCH(step_product)(product, rows, panels);
  }
}

}  // namespace hone::ops
#endif
