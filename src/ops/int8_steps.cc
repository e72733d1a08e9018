#include "ops/int8_steps.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace hone::ops {
namespace {

std::int64_t whole(std::int64_t count, std::int64_t part) { return (count + part - 1) / part; }

}  // namespace

std::size_t PackedSteps::bytes_of(std::int64_t outer, std::int64_t inner) {
  return static_cast<std::size_t>(whole(outer, panel_columns) * whole(inner, step_group)) * sizeof(Block);
}

PackedSteps::PackedSteps(std::int64_t outer, std::int64_t inner, std::int64_t span)
    : PackedSteps(outer, inner, span, Memory::cleared) {}

PackedSteps::PackedSteps(std::int64_t outer, std::int64_t inner, std::int64_t span, Memory memory)
    : outer_(outer), inner_(inner), span_(span) {
  HONE_CHECK(outer > 0 && inner > 0 && span > 0 && span % step_group == 0 && std::min(span, inner) <= longest_span);
  const tensor::Shape bytes{static_cast<std::int64_t>(bytes_of(outer, inner))};
  blocks_ = memory == Memory::cleared ? tensor::Tensor::zeros(bytes, tensor::DType::u8)
                                      : tensor::Tensor::empty(bytes, tensor::DType::u8);
}

void PackedSteps::put(std::int64_t row, const float* values) {
  HONE_CHECK(row >= 0 && row < outer_);
  Block* row_blocks = blocks() + row / panel_columns * groups();
  const std::int64_t column = row % panel_columns;
  const std::int64_t padded = groups() * step_group;
  std::vector<float> line(values, values + inner_);
  line.resize(static_cast<std::size_t>(padded));
  std::vector<std::int8_t> steps(line.size());
  for (std::int64_t begin = 0; begin < padded; begin += span_) {
    const std::int64_t end = std::min(padded, begin + span_);
    Block& last = row_blocks[end / step_group - 1];
    const RoundedWeights rounded = round_weights_here(line.data() + begin, end - begin, steps.data() + begin);
    last.scales[column] = rounded.scale;
    last.offsets[column] = rounded.offset;
    last.sums[column] = rounded.sum;
  }
  for (std::int64_t k = 0; k < padded; k += 4)
    std::memcpy(row_blocks[k / step_group].steps[k % step_group / 4][column], steps.data() + k, 4);
}

void PackedSteps::get(std::int64_t row, float* values) const {
  HONE_CHECK(row >= 0 && row < outer_);
  const Block* block = panel(row / panel_columns);
  const std::int64_t column = row % panel_columns;
  for (std::int64_t k = 0; k < inner_; ++k) {
    const std::int64_t span_end = std::min(groups() * step_group, (k / span_ + 1) * span_);
    const std::int64_t within = k % step_group;
    const Block& last = block[span_end / step_group - 1];
    values[k] = last.scales[column] * static_cast<float>(block[k / step_group].steps[within / 4][column][within % 4]) +
                last.offsets[column];
  }
}

PackedSteps PackedSteps::transposed(tensor::Exec& exec, std::int64_t span) const {
  PackedSteps to(inner_, outer_, span, Memory::uncleared);
  // A panel of the result reads one group of each of these panels. Each thread touches its panels first: new pages
  // cost more than what is written into them.
  exec.threads().for_slices(static_cast<std::size_t>(to.panels()), 1, [&](std::size_t begin, std::size_t end, int) {
    std::vector<float> lines(static_cast<std::size_t>(panel_columns * outer_));
    for (auto p = static_cast<std::int64_t>(begin); p < static_cast<std::int64_t>(end); ++p) {
      std::memset(to.blocks() + p * to.groups(), 0, static_cast<std::size_t>(to.groups()) * sizeof(Block));
      const std::int64_t span_end = std::min(groups() * step_group, (p * step_group / span_ + 1) * span_);
      for (std::int64_t n = 0; n < outer_; ++n) {
        const Block* blocks_of = panel(n / panel_columns);
        const std::int64_t column = n % panel_columns;
        const Block& last = blocks_of[span_end / step_group - 1];
        for (std::int64_t k = 0; k < step_group; ++k)
          lines[static_cast<std::size_t>(k * outer_ + n)] =
              last.scales[column] * static_cast<float>(blocks_of[p].steps[k / 4][column][k % 4]) + last.offsets[column];
      }
      const std::int64_t first = p * panel_columns;
      for (std::int64_t k = 0; k < std::min(panel_columns, inner_ - first); ++k)
        to.put(first + k, lines.data() + k * outer_);
    }
  });
  return to;
}

StepRows take_step_rows(tensor::Arena& arena, std::int64_t rows, std::int64_t columns, std::int64_t span) {
  StepRows to;
  to.rows = rows;
  to.columns = columns;
  to.span = span;
  to.groups = whole(columns, step_group);
  to.spans = whole(to.groups * step_group, span);
  to.steps = reinterpret_cast<std::uint8_t*>(arena.floats(rows * to.groups * step_group / 4));
  to.scales = arena.floats(rows * to.spans);
  to.offsets = arena.floats(rows * to.spans);
  to.sums = arena.floats(rows * to.spans);
  return to;
}

}  // namespace hone::ops
