// A frozen weight matrix, in whatever form it is kept. Only ops/linear, ops/matvec and ops/embed look inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ops/nf4.h"
#include "tensor/ggml_type.h"
#include "tensor/tensor.h"

namespace hone::ops {

enum class WeightKind : std::uint8_t {
  none,
  f32,
  blocks,      // one of ggml's types, f16 and bf16 among them
  nf4,         // with a scale for each 64 values
  nf4_double,  // its scales quantised too
  int8,        // a row's values as steps of its largest magnitude / 127
  int8_steps   // the same in groups of 32; products round their other side to 8 bits, too (ops/int8_map.h)
};

struct Int8Map;

// Rows are outputs: y = x W^T. Moves only. Products see the values widened to f32, tile by tile, but for those of kind
// int8_steps.
class Weight {
 public:
  Weight() = default;
  // Takes an f32 tensor [out, in].
  static Weight from_f32(tensor::Tensor values);
  // Takes the u8 blocks of `shape` = [out, in] values, row after row; `in` is a multiple of the type's block.
  static Weight from_blocks(tensor::GgmlType type, tensor::Shape shape, tensor::Tensor blocks);
  static Weight from_nf4(tensor::Shape shape, Nf4 values);
  // Takes s8 steps as u8 [out, in] and f32 scales [out].
  static Weight from_int8(tensor::Tensor steps, tensor::Tensor scales);
  // What a weight of kind int8_steps takes up; the first linear_backward() of a map adds as much again.
  static std::size_t int8_steps_bytes(std::int64_t out, std::int64_t in);
  static Weight from_int8_map(std::shared_ptr<const Int8Map> map);

  bool empty() const { return kind_ == WeightKind::none; }
  WeightKind kind() const { return kind_; }
  // Of kind blocks.
  tensor::GgmlType type() const { return type_; }
  std::int64_t out() const { return out_; }
  std::int64_t in() const { return in_; }
  std::size_t bytes() const;

  // The plain f32 rows [out, in]; HONE_CHECKs the kind.
  const float* f32() const;
  // HONE_CHECKs the kind.
  const Int8Map& int8() const;
  // The blocks of all rows, row after row, and how many bytes a row has; HONE_CHECKs the kind.
  const std::uint8_t* block_bytes() const;
  std::int64_t row_bytes() const;
  // Rows [begin, end) as f32 [end - begin, in], of any kind. On the calling thread.
  void widen(std::int64_t begin, std::int64_t end, float* out) const;
  // The same without copying where they are f32 already; else widened into `scratch` [end - begin, in].
  const float* rows(std::int64_t begin, std::int64_t end, float* scratch) const;

 private:
  static Weight of(WeightKind kind, std::int64_t out, std::int64_t in);

  WeightKind kind_ = WeightKind::none;
  tensor::GgmlType type_ = tensor::GgmlType::f32;
  std::int64_t out_ = 0;
  std::int64_t in_ = 0;
  tensor::Tensor values_;  // f32, blocks or steps
  tensor::Tensor scales_;  // int8
  Nf4 nf4_;
  std::shared_ptr<const Int8Map> int8_;
};

}  // namespace hone::ops
