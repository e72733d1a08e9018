#include <algorithm>
#include <cstring>

#include "ops/matvec.h"
#include "ops/simd_targets.h"
#include "tensor/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/matvec_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lanes-inl.h"

#ifndef HONE_OPS_MATVEC_BLOCK_ROWS
#define HONE_OPS_MATVEC_BLOCK_ROWS
namespace hone::ops {
namespace {

// Some rows of a matrix in ggml's blocks.
struct BlockRows {
  tensor::GgmlType type;
  const std::uint8_t* bytes;  // of row 0
  std::int64_t row_bytes;
  RowRange range;
};

// The types whose values are widened on their way into the sum, not before.
bool is_read_in_place(tensor::GgmlType type) {
  using tensor::GgmlType;
  return type == GgmlType::bf16 || type == GgmlType::q4_0 || type == GgmlType::q4_1 || type == GgmlType::q8_0;
}

}  // namespace
}  // namespace hone::ops
#endif

HWY_BEFORE_NAMESPACE();
namespace hone::ops::HWY_NAMESPACE {

// Rows of w as products read them: load(tag, i) gives the values [i, i + Lanes(tag)), i a multiple of Lanes(tag);
// value(i) one of those behind the last whole vector.

struct PlainRow {
  const float* w;

  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, std::int64_t i) const {
    return hn::LoadU(d, w + i);
  }
  float value(std::int64_t i) const { return w[i]; }
};

struct Bf16Row {
  const std::uint16_t* w;

  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, std::int64_t i) const {
    const hn::Rebind<std::uint16_t, D> half;
    const hn::RebindToUnsigned<D> whole;
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(whole, hn::LoadU(half, w + i))));
  }
  float value(std::int64_t i) const { return tensor::f32_of_bf16(w[i]); }
};

// ggml's blocks of 32 values, the scales of a row widened beforehand. The values are bit for bit those of
// tensor/block_widen.cc: a scale of 11 bits times a step of 8 is exact, fused with a sum or not.
constexpr std::int64_t block_values = 32;

struct Q8Row {
  const std::uint8_t* blocks;
  const float* scales;

  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, std::int64_t i) const {
    const hn::Rebind<std::int8_t, D> narrow;
    const hn::RebindToSigned<D> whole;
    const auto* q = reinterpret_cast<const std::int8_t*>(blocks + i / block_values * 34 + 2 + i % block_values);
    const auto steps = hn::ConvertTo(d, hn::PromoteTo(whole, hn::LoadU(narrow, q)));
    return hn::Mul(steps, hn::Set(d, scales[i / block_values]));
  }
  float value(std::int64_t) const { return 0; }  // rows are whole blocks
};

// Values [i, i + Lanes(d)) of the 32 nibbles at q: 0..15 in the low halves, 16..31 in the high ones.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> nibbles(D, const std::uint8_t* q, std::int64_t i) {
  const hn::Rebind<std::uint8_t, D> narrow;
  const hn::RebindToSigned<D> whole;
  const auto bytes = hn::PromoteTo(whole, hn::LoadU(narrow, q + i % 16));
  return i < 16 ? hn::And(bytes, hn::Set(whole, 15)) : hn::ShiftRight<4>(bytes);
}

struct Q40Row {
  const std::uint8_t* blocks;
  const float* scales;

  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, std::int64_t i) const {
    const hn::RebindToSigned<D> whole;
    const auto steps = hn::Sub(nibbles(d, blocks + i / block_values * 18 + 2, i % block_values), hn::Set(whole, 8));
    return hn::Mul(hn::Set(d, scales[i / block_values]), hn::ConvertTo(d, steps));
  }
  float value(std::int64_t) const { return 0; }
};

struct Q41Row {
  const std::uint8_t* blocks;
  const float* scales;
  const float* least;

  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, std::int64_t i) const {
    const auto steps = hn::ConvertTo(d, nibbles(d, blocks + i / block_values * 20 + 4, i % block_values));
    return hn::MulAdd(steps, hn::Set(d, scales[i / block_values]), hn::Set(d, least[i / block_values]));
  }
  float value(std::int64_t) const { return 0; }
};

// `rows` rows of x against one row of w, in `chains` independent sums each; unrolled, so that the sums stay in
// registers. Rows of w are read one after the other: side by side they halve what the memory delivers (28 to 13 GB/s on
// a Zen 4).
template <int rows, int chains, class Row>
HWY_INLINE void tile(const Matvec& p, const Row& w, std::int64_t row, std::int64_t out) {
  const hn::CappedTag<float, 16> d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  using V = hn::Vec<decltype(d)>;
  const float* x = p.x + row * p.in;
  V sums[rows][chains];
  HWY_UNROLL(4)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int c = 0; c < chains; ++c) sums[r][c] = hn::Zero(d);
  }
  std::int64_t i = 0;
  for (; i + chains * lanes <= p.in; i += chains * lanes) {
    HWY_UNROLL(4)
    for (int c = 0; c < chains; ++c) {
      const V weight = w.load(d, i + c * lanes);
      HWY_UNROLL(4)
      for (int r = 0; r < rows; ++r) {
        sums[r][c] = hn::MulAdd(hn::LoadU(d, x + r * p.in + i + c * lanes), weight, sums[r][c]);
      }
    }
  }
  for (; i + lanes <= p.in; i += lanes) {
    const V weight = w.load(d, i);
    HWY_UNROLL(4)
    for (int r = 0; r < rows; ++r) sums[r][0] = hn::MulAdd(hn::LoadU(d, x + r * p.in + i), weight, sums[r][0]);
  }
  HWY_UNROLL(4)
  for (int r = 0; r < rows; ++r) {
    V all = sums[r][0];
    HWY_UNROLL(4)
    for (int c = 1; c < chains; ++c) all = hn::Add(all, sums[r][c]);
    float sum = hn::GetLane(hn::SumOfLanes(d, all));
    for (std::int64_t j = i; j < p.in; ++j) sum += x[r * p.in + j] * w.value(j);
    float& y = p.y[(row + r) * p.y_stride + out];
    y = p.into == Into::add ? y + p.scale * sum : p.scale * sum;
  }
}

template <class Row>
HWY_INLINE void all_rows(const Matvec& p, const Row& w, std::int64_t out) {
  std::int64_t row = 0;
  for (; row + 4 <= p.rows; row += 4) tile<4, 2>(p, w, row, out);
  for (; row + 2 <= p.rows; row += 2) tile<2, 4>(p, w, row, out);
  for (; row < p.rows; ++row) tile<1, 4>(p, w, row, out);
}

void matvec_slice(const Matvec& p, std::int64_t begin, std::int64_t end) {
  for (std::int64_t out = begin; out < end; ++out) all_rows(p, PlainRow{p.w + out * p.in}, out);
}

constexpr std::int64_t most_lanes = 16;

// The two f16 at the head of each of `count` blocks, `bytes` apart, to first[count] and second[count], written in whole
// vectors; what is no f16 but steps is widened to nonsense in `second`.
void widen_heads(const std::uint8_t* blocks, std::int64_t bytes, std::int64_t count, float* first, float* second) {
  const hn::CappedTag<float, most_lanes> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Rebind<std::uint16_t, decltype(d)> dh;
  const hn::Rebind<hwy::float16_t, decltype(d)> df;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t b = 0; b < count; b += lanes) {
    const auto index = hn::Min(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(count - 1 - b)));
    const auto offsets = hn::Mul(index, hn::Set(di, static_cast<std::int32_t>(bytes)));
    const auto heads = hn::GatherOffset(di, reinterpret_cast<const std::int32_t*>(blocks + b * bytes), offsets);
    const auto both = hn::BitCast(du, heads);
    const auto low = hn::TruncateTo(dh, both);
    const auto high = hn::TruncateTo(dh, hn::ShiftRight<16>(both));
    hn::StoreU(hn::PromoteTo(d, hn::BitCast(df, low)), d, first + b);
    hn::StoreU(hn::PromoteTo(d, hn::BitCast(df, high)), d, second + b);
  }
}

// `scratch` [in]: a row has at most a sixteenth as many heads, in whole vectors.
void matvec_blocks(const Matvec& p, const BlockRows& rows, float* scratch) {
  const std::int64_t count = p.in / block_values;
  float* least = scratch + (count + most_lanes - 1) / most_lanes * most_lanes;
  for (std::int64_t out = rows.range.begin; out < rows.range.end; ++out) {
    const std::uint8_t* blocks = rows.bytes + out * rows.row_bytes;
    switch (rows.type) {
      case tensor::GgmlType::bf16:
        all_rows(p, Bf16Row{reinterpret_cast<const std::uint16_t*>(blocks)}, out);
        break;
      case tensor::GgmlType::q4_0:
        widen_heads(blocks, 18, count, scratch, least);
        all_rows(p, Q40Row{blocks, scratch}, out);
        break;
      case tensor::GgmlType::q4_1:
        widen_heads(blocks, 20, count, scratch, least);
        all_rows(p, Q41Row{blocks, scratch, least}, out);
        break;
      case tensor::GgmlType::q8_0:
        widen_heads(blocks, 34, count, scratch, least);
        all_rows(p, Q8Row{blocks, scratch}, out);
        break;
      default:
        HONE_CHECK(false);
    }
  }
}

}  // namespace hone::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::ops {

HWY_EXPORT(matvec_slice);
HWY_EXPORT(matvec_blocks);

void matvec_here(const Matvec& product, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(matvec_slice)(product, begin, end);
}

void matvec_here(const Weight& weight, Matvec product, RowRange range, float* row) {
  if (weight.kind() == WeightKind::f32) {
    product.w = weight.f32();
    matvec_here(product, range.begin, range.end);
    return;
  }
  if (weight.kind() == WeightKind::blocks && is_read_in_place(weight.type())) {
    const BlockRows rows = {weight.type(), weight.block_bytes(), weight.row_bytes(), range};
    HWY_DYNAMIC_DISPATCH(matvec_blocks)(product, rows, row);
    return;
  }
  for (std::int64_t out = range.begin; out < range.end; ++out) {
    weight.widen(out, out + 1, row);
    Matvec one = product;
    one.w = row;
    one.y += out;
    matvec_here(one, 0, 1);
  }
}

}  // namespace hone::ops
#endif
