// ggml's tensor types: how values lie in blocks, and the blocks widened to f32.
#pragma once

#include <cstdint>
#include <span>

namespace hone::tensor {

// The types that Hone reads; numbers as in GGUF files.
enum class GgmlType : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  bf16 = 30,
};

// `values` consecutive values of a row are stored in `bytes` bytes (1 and 4 for f32).
struct BlockLayout {
  std::int64_t values = 1;
  std::int64_t bytes = 4;
};

struct GgmlTypeFacts {
  GgmlType type;
  const char* name;  // as ggml has it: "Q4_1"
  BlockLayout layout;
};
std::span<const GgmlTypeFacts> ggml_types();

const char* name_of(GgmlType type);
BlockLayout layout_of(GgmlType type);

// Widens `count` blocks, which may lie unaligned, into `out` [count * layout_of(type).values], exactly as ggml's
// reference code does (ggml-quants.c).
void widen_blocks(GgmlType type, const void* blocks, std::int64_t count, float* out);

}  // namespace hone::tensor
