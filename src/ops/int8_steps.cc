#include "ops/int8_steps.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace hone::ops {
namespace {

std::int64_t whole(std::int64_t count, std::int64_t part) { return (count + part - 1) / part; }

}  // namespace

std::size_t PackedSteps::bytes_of(std::int64_t outer, std::int64_t inner) {
  return static_cast<std::size_t>(whole(outer, panel_columns) * whole(inner, step_group)) * sizeof(Block);
}

PackedSteps::PackedSteps(std::int64_t outer, std::int64_t inner) : outer_(outer), inner_(inner) {
  HONE_CHECK(outer > 0 && inner > 0);
  blocks_ = tensor::Tensor::zeros({static_cast<std::int64_t>(bytes_of(outer, inner))}, tensor::DType::u8);
}

void PackedSteps::put(std::int64_t row, const float* values) {
  HONE_CHECK(row >= 0 && row < outer_);
  Block* block = blocks() + row / panel_columns * groups();
  const std::int64_t column = row % panel_columns;
  for (std::int64_t begin = 0; begin < inner_; begin += step_group, ++block) {
    std::array<float, step_group> padded{};
    const float* from = values + begin;
    if (inner_ - begin < step_group) {
      std::copy(from, values + inner_, padded.begin());
      from = padded.data();
    }
    std::array<std::int8_t, step_group> steps;
    block->scales[column] = round_weights_here(from, steps.data(), block->sums[column]);
    for (std::size_t k = 0; k < steps.size(); k += 4) std::memcpy(block->steps[k / 4][column], &steps[k], 4);
  }
}

void PackedSteps::get(std::int64_t row, float* values) const {
  HONE_CHECK(row >= 0 && row < outer_);
  const Block* block = panel(row / panel_columns);
  const std::int64_t column = row % panel_columns;
  for (std::int64_t k = 0; k < inner_; ++k) {
    const Block& at = block[k / step_group];
    const std::int64_t within = k % step_group;
    values[k] = at.scales[column] * static_cast<float>(at.steps[within / 4][column][within % 4]);
  }
}

PackedSteps PackedSteps::transposed(tensor::Exec& exec) const {
  PackedSteps to(inner_, outer_);
  // A panel of the result reads one group of each of these panels.
  exec.threads().for_slices(static_cast<std::size_t>(to.panels()), 1, [&](std::size_t begin, std::size_t end, int) {
    std::vector<float> lines(static_cast<std::size_t>(panel_columns * outer_));
    for (auto p = static_cast<std::int64_t>(begin); p < static_cast<std::int64_t>(end); ++p) {
      for (std::int64_t n = 0; n < outer_; ++n) {
        const Block& at = panel(n / panel_columns)[p];
        const std::int64_t column = n % panel_columns;
        for (std::int64_t k = 0; k < step_group; ++k)
          lines[static_cast<std::size_t>(k * outer_ + n)] =
              at.scales[column] * static_cast<float>(at.steps[k / 4][column][k % 4]);
      }
      const std::int64_t first = p * panel_columns;
      for (std::int64_t k = 0; k < std::min(panel_columns, inner_ - first); ++k)
        to.put(first + k, lines.data() + k * outer_);
    }
  });
  return to;
}

StepRows take_step_rows(tensor::Arena& arena, std::int64_t rows, std::int64_t columns) {
  StepRows to;
  to.rows = rows;
  to.columns = columns;
  to.groups = whole(columns, step_group);
  to.steps = reinterpret_cast<std::uint8_t*>(arena.floats(rows * to.groups * step_group / 4));
  to.scales = arena.floats(rows * to.groups);
  to.offsets = arena.floats(rows * to.groups);
  return to;
}

}  // namespace hone::ops
