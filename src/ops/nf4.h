// NF4: 4-bit codes of 16 unevenly spaced levels with one scale for each 64 values (Dettmers et al. 2023, QLoRA), bit
// for bit as bitsandbytes 0.50's CPU backend makes and reads them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tensor/exec.h"
#include "tensor/tensor.h"

namespace hone::ops {

inline constexpr std::int64_t nf4_block = 64;
inline constexpr std::int64_t nested_block = 256;

// A matrix [out, in] as one line of out * in values, in blocks of nf4_block: a block may straddle rows, the last one
// may be short.
struct Nf4 {
  std::int64_t count = 0;
  tensor::Tensor codes;  // u8 [(count + 1) / 2]; the first of two values in the high half
  // f32 [blocks]: the largest magnitude of each block. Empty with double quantisation, where it is
  // scale_levels[scale_codes[b]] * scale_maxima[b / nested_block] + offset.
  tensor::Tensor scales;
  tensor::Tensor scale_codes;   // u8 [blocks]
  tensor::Tensor scale_maxima;  // f32 [blocks / nested_block, rounded up]
  float offset = 0;
  std::array<float, 256> scale_levels{};

  std::int64_t blocks() const { return (count + nf4_block - 1) / nf4_block; }
  bool nested() const { return scale_codes.bytes() > 0; }
  std::size_t bytes() const;
};

// The 16 levels, ascending.
std::span<const float, 16> nf4_levels();

// The signed 8-bit levels of scale codes, ascending: bitsandbytes' dynamic map (Dettmers 2015).
std::array<float, 256> dynamic_levels();

// Memory for `count` values with plain scales, not yet filled.
Nf4 empty_nf4(std::int64_t count);

// Fills the blocks of values [first, first + values.size()) of `to`; `first` is a multiple of nf4_block, and so is the
// length but for the last values. Scale: s = max |x|; code: the nearest level to x * (1 / max(s, 1e-38)), ties to the
// lower one. A short last block has s = max(max |x|, 1e-38) and codes of x / s. On the calling thread.
void quantize_nf4(std::span<const float> values, std::int64_t first, Nf4& to);

// Turns the scales into codes themselves (double quantisation): offset = their mean, summed as torch does on one
// thread; code = the level nearest to x / largest |x| of its block of nested_block, on a grid of 65,536 steps.
void nest_scales(Nf4& values);

// Values [first, first + out.size()): level * scale.
void widen_nf4(const Nf4& values, std::int64_t first, std::span<float> out);

}  // namespace hone::ops
