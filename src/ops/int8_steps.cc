#include "ops/int8_steps.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace hone::ops {
namespace {

std::int64_t whole_groups(std::int64_t columns) {
  return (columns + steps_together - 1) / steps_together * steps_together;
}

}  // namespace

PackedSteps::PackedSteps(std::int64_t outer, std::int64_t inner) : outer_(outer), inner_(inner) {
  HONE_CHECK(outer > 0 && inner > 0 && inner <= most_inner);
  steps_ = tensor::Tensor::zeros({panels() * panel_bytes()}, tensor::DType::u8);
  sums_ = tensor::Tensor::zeros({panels() * panel_columns}, tensor::DType::i32);
}

const std::int8_t* PackedSteps::panel(std::int64_t index) const {
  return static_cast<const std::int8_t*>(steps_.view().data) + index * panel_bytes();
}

std::int8_t* PackedSteps::at(std::int64_t row) {
  HONE_CHECK(row >= 0 && row < outer_);
  auto* all = static_cast<std::int8_t*>(steps_.view().data);
  return all + row / panel_columns * panel_bytes() + row % panel_columns * steps_together;
}

void PackedSteps::put(std::int64_t row, const std::int8_t* steps) {
  std::int8_t* to = at(row);
  std::int32_t sum = 0;
  for (std::int64_t k = 0; k < inner_; ++k) {
    to[k / steps_together * (panel_columns * steps_together) + k % steps_together] = steps[k];
    sum += steps[k];
  }
  sums_.view().i32()[row] = sum;
}

void PackedSteps::get(std::int64_t row, std::int8_t* steps) const {
  HONE_CHECK(row >= 0 && row < outer_);
  const std::int8_t* from = panel(row / panel_columns) + row % panel_columns * steps_together;
  for (std::int64_t k = 0; k < inner_; ++k)
    steps[k] = from[k / steps_together * (panel_columns * steps_together) + k % steps_together];
}

PackedSteps PackedSteps::transposed(tensor::Exec& exec) const {
  HONE_CHECK(outer_ <= most_inner);
  PackedSteps to(inner_, outer_);
  std::vector<std::int8_t> plain(static_cast<std::size_t>(outer_ * inner_));
  exec.threads().for_slices(static_cast<std::size_t>(outer_), 16, [&](std::size_t begin, std::size_t end, int) {
    for (auto row = static_cast<std::int64_t>(begin); row < static_cast<std::int64_t>(end); ++row)
      get(row, plain.data() + row * inner_);
  });
  exec.threads().for_slices(static_cast<std::size_t>(to.panels()), 1, [&](std::size_t begin, std::size_t end, int) {
    std::vector<std::int8_t> line(static_cast<std::size_t>(outer_));
    const std::int64_t last = std::min(inner_, static_cast<std::int64_t>(end) * panel_columns);
    for (std::int64_t k = static_cast<std::int64_t>(begin) * panel_columns; k < last; ++k) {
      for (std::int64_t n = 0; n < outer_; ++n)
        line[static_cast<std::size_t>(n)] = plain[static_cast<std::size_t>(n * inner_ + k)];
      to.put(k, line.data());
    }
  });
  return to;
}

StepRows take_step_rows(tensor::Arena& arena, std::int64_t rows, std::int64_t columns) {
  StepRows to;
  to.rows = rows;
  to.columns = columns;
  to.stride = (whole_groups(columns) + 63) / 64 * 64;
  to.steps = reinterpret_cast<std::uint8_t*>(arena.floats(rows * to.stride / static_cast<std::int64_t>(sizeof(float))));
  to.scale = arena.floats(rows);
  to.zero = arena.ints(rows);
  return to;
}

}  // namespace hone::ops
