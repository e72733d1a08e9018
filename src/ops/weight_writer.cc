#include "ops/weight_writer.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "ops/int8_map.h"
#include "tensor/half.h"

namespace hone::ops {
namespace {

void put_bf16(std::span<const float> values, std::byte* to) {
  for (const float value : values) {
    const std::uint16_t half = tensor::bf16_of_f32(value);
    std::memcpy(to, &half, sizeof(half));
    to += sizeof(half);
  }
}

// Returns the scale.
float put_steps(std::span<const float> row, std::byte* to) {
  float largest = 0;
  for (const float value : row) largest = std::max(largest, std::fabs(value));
  const float factor = 127.0F / largest;
  for (const float value : row) {
    const float step = largest == 0 ? 0.0F : std::nearbyint(value * factor);
    *to++ = static_cast<std::byte>(static_cast<std::int8_t>(step));
  }
  return largest / 127.0F;
}

}  // namespace

std::uint64_t written_bytes(WeightKind kind, tensor::Shape shape) {
  HONE_CHECK(shape.rank() == 2);
  const auto count = static_cast<std::uint64_t>(shape.count());
  const std::uint64_t blocks = (count + nf4_block - 1) / nf4_block;
  switch (kind) {
    case WeightKind::none:
      return 0;
    case WeightKind::f32:
      return sizeof(float) * count;
    case WeightKind::blocks:  // bf16
      return sizeof(std::uint16_t) * count;
    case WeightKind::nf4:
      return (count + 1) / 2 + sizeof(float) * blocks;
    case WeightKind::nf4_double:
      return (count + 1) / 2 + blocks + sizeof(float) * ((blocks + nested_block - 1) / nested_block);
    case WeightKind::int8:
      return count + sizeof(float) * static_cast<std::uint64_t>(shape[0]);
    case WeightKind::int8_steps:
      return Weight::int8_steps_bytes(shape[0], shape[1]);
  }
  HONE_CHECK(false);
}

WeightWriter::WeightWriter(WeightKind kind, tensor::Shape shape) : kind_(kind), shape_(shape) {
  HONE_CHECK(shape.rank() == 2);
  switch (kind) {
    case WeightKind::none:
      HONE_CHECK(false);
    case WeightKind::f32:
      values_ = tensor::Tensor::empty(shape);
      return;
    case WeightKind::blocks:
      values_ = tensor::Tensor::empty({shape[0], 2 * shape[1]}, tensor::DType::u8);
      return;
    case WeightKind::nf4:
    case WeightKind::nf4_double:
      nf4_ = empty_nf4(shape.count());
      return;
    case WeightKind::int8:
      values_ = tensor::Tensor::empty(shape, tensor::DType::u8);
      scales_ = tensor::Tensor::empty({shape[0]});
      return;
    case WeightKind::int8_steps:
      int8_ = std::make_shared<Int8Map>();
      int8_->w = PackedSteps(shape[0], shape[1], forward_span);
      return;
  }
}

void WeightWriter::put(tensor::Exec& exec, std::int64_t first, tensor::ConstView rows) {
  const std::int64_t in = shape_[1];
  HONE_CHECK(rows.shape == tensor::Shape({rows.shape[0], in}) && first >= 0 && first + rows.shape[0] <= shape_[0]);
  HONE_CHECK(first % nf4_block == 0 && (rows.shape[0] % nf4_block == 0 || first + rows.shape[0] == shape_[0]));
  const float* from = rows.f32();
  auto* to = static_cast<std::byte*>(values_.view().data);
  // Slices begin at multiples of 64 rows, and so of 64 values.
  const std::int64_t groups = (rows.shape[0] + nf4_block - 1) / nf4_block;
  exec.threads().for_slices(static_cast<std::size_t>(groups), 1, [&](std::size_t group, std::size_t stop, int) {
    const std::int64_t begin = static_cast<std::int64_t>(group) * nf4_block;
    const std::int64_t end = std::min(rows.shape[0], static_cast<std::int64_t>(stop) * nf4_block);
    const std::span<const float> part(from + begin * in, static_cast<std::size_t>((end - begin) * in));
    const std::int64_t at = (first + begin) * in;
    switch (kind_) {
      case WeightKind::f32:
        std::memcpy(to + at * 4, part.data(), part.size_bytes());
        return;
      case WeightKind::blocks:
        put_bf16(part, to + at * 2);
        return;
      case WeightKind::int8:
        for (std::int64_t row = begin; row < end; ++row)
          scales_.f32()[first + row] =
              put_steps({from + row * in, static_cast<std::size_t>(in)}, to + (first + row) * in);
        return;
      case WeightKind::int8_steps:
        for (std::int64_t row = begin; row < end; ++row) int8_->w.put(first + row, from + row * in);
        return;
      default:
        quantize_nf4(part, at, nf4_);
    }
  });
}

Weight WeightWriter::finish() {
  switch (kind_) {
    case WeightKind::f32:
      return Weight::from_f32(std::move(values_));
    case WeightKind::blocks:
      return Weight::from_blocks(tensor::GgmlType::bf16, shape_, std::move(values_));
    case WeightKind::int8:
      return Weight::from_int8(std::move(values_), std::move(scales_));
    case WeightKind::int8_steps:
      return Weight::from_int8_map(std::move(int8_));
    default:
      break;
  }
  if (kind_ == WeightKind::nf4_double) nest_scales(nf4_);
  return Weight::from_nf4(shape_, std::move(nf4_));
}

}  // namespace hone::ops
