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

constexpr int vectors = panel_columns / 16;

// Writes or adds the sums of `count` rows, as many columns as there are.
template <int count>
inline void put_sums(const StepProduct& p, std::int64_t row, std::int64_t panel, const __m512 (&y)[count][vectors]) {
  HONE_UNROLL
  for (int v = 0; v < vectors; ++v) {
    const std::int64_t column = panel * panel_columns + 16 * v;
    const std::int64_t left = p.w->outer() - column;
    if (left <= 0) break;
    const auto mask = static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1 << left) - 1);
    HONE_UNROLL
    for (int r = 0; r < count; ++r) {
      float* to = p.y + (row + r) * p.y_stride + column;
      __m512 value = y[r][v];
      if (p.into == Into::add) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, to));
      _mm512_mask_storeu_ps(to, mask, value);
    }
  }
}

// `count` <= 6 rows against one panel: the sums of a span and those of all stay in registers.
template <int count>
inline void tile(const StepProduct& p, std::int64_t row, std::int64_t panel) {
  const std::int64_t stride = p.x.groups * step_group;
  const std::uint8_t* x = p.x.steps + row * stride;
  const float* scales = p.x.scales + row * p.x.spans;
  const float* offsets = p.x.offsets + row * p.x.spans;
  const float* sums_of_x = p.x.sums + row * p.x.spans;
  const PackedSteps::Block* block = p.w->panel(panel);
  const std::int64_t groups_a_span = p.x.span / step_group;
  __m512 y[count][vectors];
  HONE_UNROLL
  for (int r = 0; r < count; ++r) {
    HONE_UNROLL
    for (int v = 0; v < vectors; ++v) y[r][v] = _mm512_setzero_ps();
  }
  std::int64_t groups_left = p.x.groups;
  for (std::int64_t s = 0; s < p.x.spans; ++s) {
    __m512i sums[count][vectors];
    HONE_UNROLL
    for (int r = 0; r < count; ++r) {
      HONE_UNROLL
      for (int v = 0; v < vectors; ++v) sums[r][v] = _mm512_setzero_si512();
    }
    const std::int64_t groups = std::min(groups_left, groups_a_span);
    groups_left -= groups;
    for (std::int64_t group = 0; group < groups; ++group, ++block, x += step_group) {
      HONE_UNROLL
      for (int k = 0; k < step_group / 4; ++k) {
        __m512i weights[vectors];
        HONE_UNROLL
        for (int v = 0; v < vectors; ++v) weights[v] = _mm512_loadu_si512(block->steps[k][16 * v]);
        HONE_UNROLL
        for (int r = 0; r < count; ++r) {
          std::int32_t four;
          std::memcpy(&four, x + r * stride + 4 * k, sizeof four);
          const __m512i steps = _mm512_set1_epi32(four);
          HONE_UNROLL
          for (int v = 0; v < vectors; ++v) sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], steps, weights[v]);
        }
      }
    }
    HONE_UNROLL
    for (int v = 0; v < vectors; ++v) {
      const __m512 scale = _mm512_loadu_ps(block[-1].scales + 16 * v);
      const __m512 sum = _mm512_loadu_ps(block[-1].sums + 16 * v);
      const __m512 offset = _mm512_loadu_ps(block[-1].offsets + 16 * v);
      HONE_UNROLL
      for (int r = 0; r < count; ++r) {
        const __m512 both = _mm512_mul_ps(_mm512_set1_ps(scales[r * p.x.spans + s]), scale);
        y[r][v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[r][v]), both, y[r][v]);
        y[r][v] = _mm512_fmadd_ps(_mm512_set1_ps(offsets[r * p.x.spans + s]), sum, y[r][v]);
        y[r][v] = _mm512_fmadd_ps(_mm512_set1_ps(sums_of_x[r * p.x.spans + s]), offset, y[r][v]);
      }
    }
  }
  put_sums<count>(p, row, panel, y);
}

}  // namespace

void step_product_vnni(const StepProduct& p, RowRange rows, RowRange panels) {
  // Rows whose steps stay in the second-level cache while all panels pass by.
  const std::int64_t most = (256 * 1024 / (p.x.groups * step_group) + 5) / 6 * 6;
  for (std::int64_t begin = rows.begin; begin < rows.end; begin += most) {
    const std::int64_t end = std::min(rows.end, begin + most);
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
