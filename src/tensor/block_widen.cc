// ggml's block formats widened to f32. Each function states the block as ggml-common.h lays it out; the order of
// multiplications is ggml's, so results are bit-equal to ggml's reference code (built without fused multiply-add, which
// this file must be as well).
#include <array>
#include <cstring>

#include "tensor/ggml_type.h"
#include "tensor/half.h"

namespace hone::tensor {
namespace {

// Blocks and values never overlap, which __restrict says: bytes may alias anything, and loops would stay scalar.
using Byte = unsigned char;

std::uint16_t load_u16(const Byte* at) { return static_cast<std::uint16_t>(at[0] | at[1] << 8); }
float load_f16(const Byte* at) { return f32_of_f16(load_u16(at)); }
int signed_byte(Byte value) { return static_cast<std::int8_t>(value); }

void block_f16(const Byte* __restrict block, float* __restrict out) { *out = load_f16(block); }
void block_bf16(const Byte* __restrict block, float* __restrict out) { *out = f32_of_bf16(load_u16(block)); }

// d f16, 16 bytes: low nibbles are values 0..15, high nibbles 16..31. x = d (q - 8)
void block_q4_0(const Byte* __restrict block, float* __restrict out) {
  const float d = load_f16(block);
  const Byte* q = block + 2;
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((q[i] & 15) - 8);
    out[i + 16] = d * static_cast<float>((q[i] >> 4) - 8);
  }
}

// d f16, m f16, nibbles as q4_0. x = d q + m
void block_q4_1(const Byte* __restrict block, float* __restrict out) {
  const float d = load_f16(block);
  const float m = load_f16(block + 2);
  const Byte* q = block + 4;
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(q[i] & 15) + m;
    out[i + 16] = d * static_cast<float>(q[i] >> 4) + m;
  }
}

std::uint32_t load_u32(const Byte* at) {
  return static_cast<std::uint32_t>(load_u16(at)) | static_cast<std::uint32_t>(load_u16(at + 2)) << 16;
}

// d f16, fifth bits u32, nibbles. x = d (q - 16)
void block_q5_0(const Byte* __restrict block, float* __restrict out) {
  const float d = load_f16(block);
  const std::uint32_t high = load_u32(block + 2);
  const Byte* q = block + 6;
  for (int i = 0; i < 16; ++i) {
    const int first = (q[i] & 15) | static_cast<int>(high >> i & 1U) << 4;
    const int second = (q[i] >> 4) | static_cast<int>(high >> (i + 16) & 1U) << 4;
    out[i] = d * static_cast<float>(first - 16);
    out[i + 16] = d * static_cast<float>(second - 16);
  }
}

// d f16, m f16, fifth bits u32, nibbles. x = d q + m
void block_q5_1(const Byte* __restrict block, float* __restrict out) {
  const float d = load_f16(block);
  const float m = load_f16(block + 2);
  const std::uint32_t high = load_u32(block + 4);
  const Byte* q = block + 8;
  for (int i = 0; i < 16; ++i) {
    const int first = (q[i] & 15) | static_cast<int>(high >> i & 1U) << 4;
    const int second = (q[i] >> 4) | static_cast<int>(high >> (i + 16) & 1U) << 4;
    out[i] = d * static_cast<float>(first) + m;
    out[i + 16] = d * static_cast<float>(second) + m;
  }
}

// d f16, 32 signed bytes. x = q d
void block_q8_0(const Byte* __restrict block, float* __restrict out) {
  const float d = load_f16(block);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(signed_byte(block[2 + i])) * d;
}

// 16 bytes of (scale, min) nibbles a group of 16, 64 bytes of 2-bit values, d f16, dmin f16.
// x = (d scale) q - (dmin min)
void block_q2_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* scales = block;
  const Byte* q = block + 16;
  const float d = load_f16(block + 80);
  const float dmin = load_f16(block + 82);
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(scales[group] & 15);
    const float min = dmin * static_cast<float>(scales[group] >> 4);
    const Byte* from = q + group / 8 * 32 + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    for (int i = 0; i < 16; ++i) out[group * 16 + i] = scale * static_cast<float>(from[i] >> shift & 3) - min;
  }
}

// 32 bytes of third bits, 64 bytes of 2-bit values, 16 scales of 6 bits in 12 bytes, d f16.
// x = (d (scale - 32)) (q - 4 where the third bit is 0)
void block_q3_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* third = block;
  const Byte* q = block + 32;
  const Byte* packed = block + 96;
  const float d = load_f16(block + 108);
  for (int group = 0; group < 16; ++group) {
    const int low = group < 8 ? packed[group] & 15 : packed[group - 8] >> 4;
    const int high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    const int at = group % 2 * 16;
    const Byte* from = q + group / 8 * 32 + at;
    const int shift = group % 8 / 2 * 2;
    const int bit = group / 2;
    for (int i = 0; i < 16; ++i) {
      const int value = (from[i] >> shift & 3) - ((third[at + i] >> bit & 1) != 0 ? 0 : 4);
      out[group * 16 + i] = scale * static_cast<float>(value);
    }
  }
}

struct ScaleAndMin {
  int scale;
  int min;
};

// Eight (scale, min) pairs of 6 bits in 12 bytes, as q4_k and q5_k hold them.
ScaleAndMin scale_and_min(const Byte* packed, int group) {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  return {(packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4, packed[group + 4] >> 4 | (packed[group] >> 6) << 4};
}

// d f16, dmin f16, 12 bytes of scales and mins; nibbles from `q` on: two groups of 32 in 32 bytes. x = (d scale) q -
// (dmin min), where q is a nibble and whatever more(group, i) adds to it.
template <class More>
void k_groups(const Byte* __restrict block, const Byte* __restrict q, float* __restrict out, const More& more) {
  const float d = load_f16(block);
  const float dmin = load_f16(block + 2);
  for (int group = 0; group < 8; ++group) {
    const ScaleAndMin pair = scale_and_min(block + 4, group);
    const float scale = d * static_cast<float>(pair.scale);
    const float min = dmin * static_cast<float>(pair.min);
    const Byte* from = q + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i)
      out[group * 32 + i] = scale * static_cast<float>((from[i] >> shift & 15) | more(group, i)) - min;
  }
}

// 128 bytes of nibbles.
void block_q4_k(const Byte* __restrict block, float* __restrict out) {
  k_groups(block, block + 16, out, [](int, int) { return 0; });
}

// As q4_k with 32 bytes of fifth bits before the nibbles.
void block_q5_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* fifth = block + 16;
  k_groups(block, block + 48, out, [=](int group, int i) { return (fifth[i] >> group & 1) << 4; });
}

// 128 bytes of low nibbles, 64 bytes of high 2 bits, 16 signed scales, d f16. x = (d scale) (q - 32)
void block_q6_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* scales = block + 192;
  const float d = load_f16(block + 208);
  for (int part = 0; part < 8; ++part) {  // 32 values each
    const Byte* low = block + part / 4 * 64 + part % 2 * 32;
    const Byte* high = block + 128 + part / 4 * 32;
    const int low_shift = part % 4 / 2 * 4;
    const int high_shift = part % 4 * 2;
    for (int i = 0; i < 32; ++i) {
      const int value = ((low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4) - 32;
      const float scale = d * static_cast<float>(signed_byte(scales[part * 2 + i / 16]));
      out[part * 32 + i] = scale * static_cast<float>(value);
    }
  }
}

// d f16, nibbles as q4_0, each naming one of 16 unevenly spaced levels. x = d level
void block_iq4_nl(const Byte* __restrict block, float* __restrict out) {
  static constexpr std::array<float, 16> levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                   1,    13,   25,  38,  53,  69,  89,  113};
  const float d = load_f16(block);
  const Byte* q = block + 2;
  for (int i = 0; i < 16; ++i) {
    out[i] = d * levels[q[i] & 15U];
    out[i + 16] = d * levels[static_cast<std::size_t>(q[i] >> 4)];
  }
}

template <class Block>
void for_blocks(Block block, BlockLayout layout, const Byte* from, std::int64_t count, float* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i) block(from + i * layout.bytes, out + i * layout.values);
}

}  // namespace

void widen_blocks(GgmlType type, const void* blocks, std::int64_t count, float* __restrict out) {
  // A lambda a case, so that each block function is inlined into its loop.
  const BlockLayout layout = layout_of(type);
  const auto run = [&](auto block) { for_blocks(block, layout, static_cast<const Byte*>(blocks), count, out); };
  switch (type) {
    case GgmlType::f32:
      std::memcpy(out, blocks, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case GgmlType::f16:
      return run([](const Byte* in, float* to) { block_f16(in, to); });
    case GgmlType::bf16:
      return run([](const Byte* in, float* to) { block_bf16(in, to); });
    case GgmlType::q4_0:
      return run([](const Byte* in, float* to) { block_q4_0(in, to); });
    case GgmlType::q4_1:
      return run([](const Byte* in, float* to) { block_q4_1(in, to); });
    case GgmlType::q5_0:
      return run([](const Byte* in, float* to) { block_q5_0(in, to); });
    case GgmlType::q5_1:
      return run([](const Byte* in, float* to) { block_q5_1(in, to); });
    case GgmlType::q8_0:
      return run([](const Byte* in, float* to) { block_q8_0(in, to); });
    case GgmlType::q2_k:
      return run([](const Byte* in, float* to) { block_q2_k(in, to); });
    case GgmlType::q3_k:
      return run([](const Byte* in, float* to) { block_q3_k(in, to); });
    case GgmlType::q4_k:
      return run([](const Byte* in, float* to) { block_q4_k(in, to); });
    case GgmlType::q5_k:
      return run([](const Byte* in, float* to) { block_q5_k(in, to); });
    case GgmlType::q6_k:
      return run([](const Byte* in, float* to) { block_q6_k(in, to); });
    case GgmlType::iq4_nl:
      return run([](const Byte* in, float* to) { block_iq4_nl(in, to); });
  }
}

}  // namespace hone::tensor
