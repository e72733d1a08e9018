// f32 values encoded as ggml tensor types, bit for bit as gguf-py's quants.py (and ggml's reference code) does it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "formats/gguf.h"
#include "tensor/half.h"

namespace hone::formats {

// Rounded to nearest, ties to even; beyond the range: infinity; NaNs stay NaNs.
std::uint16_t f16_of_f32(float value);
using tensor::bf16_of_f32;

// Whether values can be written as `type`: F32, F16, BF16, Q8_0 and Q4_0.
bool can_encode(GgmlType type);

// The bytes of `count` values as `type`; `count` is a multiple of its block length.
std::size_t encoded_bytes(GgmlType type, std::int64_t count);

// Appends `values` (whole blocks) to `out`:
//   F16, BF16: as above.
//   Q8_0, blocks of 32: d = max |x| / 127 as f16, q = round(x / d) with halves away from zero.
//   Q4_0, blocks of 32: d = m / -8 as f16, m being the first value of the largest magnitude; q = trunc(x / d + 8.5) in
//     0..15; q[i] is the low and q[i + 16] the high half of byte i.
// x / d is x * (1 / d) in f32, with d before it is rounded; 0 where d is 0 or too small to be inverted.
void encode_values(GgmlType type, std::span<const float> values, std::string& out);

}  // namespace hone::formats
