#include "ops/weight.h"

#include <cstring>
#include <utility>

#include "ops/int8_map.h"

namespace hone::ops {
namespace {

// w = step * scale; s8 steps.
void widen_steps(const std::uint8_t* steps, float scale, std::int64_t count, float* out) {
  const auto* from = reinterpret_cast<const std::int8_t*>(steps);
  for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(from[i]) * scale;
}

}  // namespace

Weight Weight::of(WeightKind kind, std::int64_t out, std::int64_t in) {
  Weight weight;
  weight.kind_ = kind;
  weight.out_ = out;
  weight.in_ = in;
  return weight;
}

Weight Weight::from_f32(tensor::Tensor values) {
  HONE_CHECK(values.dtype() == tensor::DType::f32 && values.shape().rank() == 2);
  Weight weight = of(WeightKind::f32, values.shape()[0], values.shape()[1]);
  weight.values_ = std::move(values);
  return weight;
}

Weight Weight::from_blocks(tensor::GgmlType type, tensor::Shape shape, tensor::Tensor blocks) {
  const tensor::BlockLayout layout = tensor::layout_of(type);
  HONE_CHECK(shape.rank() == 2 && shape[1] % layout.values == 0 && blocks.dtype() == tensor::DType::u8);
  HONE_CHECK(blocks.shape().count() == shape.count() / layout.values * layout.bytes);
  Weight weight = of(WeightKind::blocks, shape[0], shape[1]);
  weight.type_ = type;
  weight.values_ = std::move(blocks);
  return weight;
}

Weight Weight::from_nf4(tensor::Shape shape, Nf4 values) {
  HONE_CHECK(shape.rank() == 2 && shape.count() == values.count);
  Weight weight = of(values.nested() ? WeightKind::nf4_double : WeightKind::nf4, shape[0], shape[1]);
  weight.nf4_ = std::move(values);
  return weight;
}

Weight Weight::from_int8(tensor::Tensor steps, tensor::Tensor scales) {
  HONE_CHECK(steps.dtype() == tensor::DType::u8 && steps.shape().rank() == 2);
  HONE_CHECK(scales.dtype() == tensor::DType::f32 && scales.shape() == tensor::Shape({steps.shape()[0]}));
  Weight weight = of(WeightKind::int8, steps.shape()[0], steps.shape()[1]);
  weight.values_ = std::move(steps);
  weight.scales_ = std::move(scales);
  return weight;
}

std::size_t Weight::int8_steps_bytes(std::int64_t out, std::int64_t in) { return PackedSteps::bytes_of(out, in); }

Weight Weight::from_int8_map(std::shared_ptr<const Int8Map> map) {
  Weight weight = of(WeightKind::int8_steps, map->w.outer(), map->w.inner());
  weight.int8_ = std::move(map);
  return weight;
}

std::size_t Weight::bytes() const {
  return values_.bytes() + scales_.bytes() + nf4_.bytes() + (int8_ == nullptr ? 0 : int8_->bytes());
}

const Int8Map& Weight::int8() const {
  HONE_CHECK(kind_ == WeightKind::int8_steps);
  return *int8_;
}

const float* Weight::f32() const {
  HONE_CHECK(kind_ == WeightKind::f32);
  return values_.f32();
}

const std::uint8_t* Weight::block_bytes() const {
  HONE_CHECK(kind_ == WeightKind::blocks);
  return static_cast<const std::uint8_t*>(values_.view().data);
}

std::int64_t Weight::row_bytes() const {
  HONE_CHECK(kind_ == WeightKind::blocks);
  const tensor::BlockLayout layout = tensor::layout_of(type_);
  return in_ / layout.values * layout.bytes;
}

void Weight::widen(std::int64_t begin, std::int64_t end, float* out) const {
  HONE_CHECK(0 <= begin && begin <= end && end <= out_);
  const std::int64_t first = begin * in_;
  const std::int64_t count = (end - begin) * in_;
  switch (kind_) {
    case WeightKind::none:
      HONE_CHECK(false);
    case WeightKind::f32:
      std::memcpy(out, values_.f32() + first, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case WeightKind::blocks: {
      const tensor::BlockLayout layout = tensor::layout_of(type_);
      const auto* blocks = static_cast<const std::byte*>(values_.view().data);
      tensor::widen_blocks(type_, blocks + first / layout.values * layout.bytes, count / layout.values, out);
      return;
    }
    case WeightKind::nf4:
    case WeightKind::nf4_double:
      widen_nf4(nf4_, first, {out, static_cast<std::size_t>(count)});
      return;
    case WeightKind::int8: {
      const auto* steps = static_cast<const std::uint8_t*>(values_.view().data);
      for (std::int64_t row = begin; row < end; ++row)
        widen_steps(steps + row * in_, scales_.f32()[row], in_, out + (row - begin) * in_);
      return;
    }
    case WeightKind::int8_steps:
      for (std::int64_t row = begin; row < end; ++row, out += in_) int8_->w.get(row, out);
      return;
  }
}

const float* Weight::rows(std::int64_t begin, std::int64_t end, float* scratch) const {
  if (kind_ == WeightKind::f32) return values_.f32() + begin * in_;
  widen(begin, end, scratch);
  return scratch;
}

}  // namespace hone::ops
