// Products of bytes by their own instruction (AVX-512 VNNI). Not through Highway: 1.0.3 has no such product, and its
// AVX3_DL target does not let the compiler use the instruction.
#include "base/error.h"
#include "ops/int8_steps.h"

#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns of its own header's undefined operands.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")

#define HONE_UNROLL _Pragma("GCC unroll 8")

namespace hone::ops {
namespace {

constexpr std::int64_t group_bytes = panel_columns * steps_together;

// `count` <= 6 rows against one panel: its sums stay in registers.
template <int count>
inline void tile(const StepProduct& p, std::int64_t row, std::int64_t panel) {
  constexpr int vectors = 4;
  const std::uint8_t* x = p.x.steps + row * p.x.stride;
  const std::int8_t* q = p.q->panel(panel);
  __m512i sums[count][vectors];
  HONE_UNROLL
  for (int r = 0; r < count; ++r) {
    HONE_UNROLL
    for (int v = 0; v < vectors; ++v) sums[r][v] = _mm512_setzero_si512();
  }
  for (std::int64_t k = 0; k < p.x.columns; k += steps_together, q += group_bytes) {
    __m512i weights[vectors];
    HONE_UNROLL
    for (int v = 0; v < vectors; ++v) weights[v] = _mm512_loadu_si512(q + 64 * v);
    HONE_UNROLL
    for (int r = 0; r < count; ++r) {
      std::int32_t four;
      std::memcpy(&four, x + r * p.x.stride + k, sizeof four);
      const __m512i steps = _mm512_set1_epi32(four);
      HONE_UNROLL
      for (int v = 0; v < vectors; ++v) sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], steps, weights[v]);
    }
  }
  const std::int64_t first = panel * panel_columns;
  HONE_UNROLL
  for (int v = 0; v < vectors; ++v) {
    const std::int64_t column = first + 16 * v;
    const std::int64_t left = p.q->outer() - column;
    if (left <= 0) break;
    const auto mask = static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1 << left) - 1);
    const __m512 factor = _mm512_maskz_loadu_ps(mask, p.factor + column);
    const __m512i total = _mm512_loadu_si512(p.q->sums() + column);
    HONE_UNROLL
    for (int r = 0; r < count; ++r) {
      const __m512i moved = _mm512_mullo_epi32(_mm512_set1_epi32(p.x.zero[row + r]), total);
      const __m512 sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[r][v], moved));
      __m512 y = _mm512_mul_ps(sum, _mm512_mul_ps(_mm512_set1_ps(p.x.scale[row + r]), factor));
      float* to = p.y + (row + r) * p.y_stride + column;
      if (p.into == Matvec::Into::add) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, to));
      _mm512_mask_storeu_ps(to, mask, y);
    }
  }
}

}  // namespace

void step_product_vnni(const StepProduct& p, RowRange rows, RowRange panels) {
  // Rows whose steps stay in the second-level cache while all panels pass by.
  const std::int64_t most = (256 * 1024 / p.x.stride + 5) / 6 * 6;
  for (std::int64_t begin = rows.begin; begin < rows.end; begin += most) {
    const std::int64_t end = begin + most < rows.end ? begin + most : rows.end;
    for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
      std::int64_t row = begin;
      for (; row + 6 <= end; row += 6) tile<6>(p, row, panel);
      for (; row + 4 <= end; row += 4) tile<4>(p, row, panel);
      for (; row + 2 <= end; row += 2) tile<2>(p, row, panel);
      for (; row < end; ++row) tile<1>(p, row, panel);
    }
  }
}

}  // namespace hone::ops

#pragma GCC pop_options

namespace hone::ops {

bool has_byte_products() {
  return __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
}

}  // namespace hone::ops

#else

namespace hone::ops {

bool has_byte_products() { return false; }
void step_product_vnni(const StepProduct&, RowRange, RowRange) { HONE_CHECK(false); }

}  // namespace hone::ops

#endif
