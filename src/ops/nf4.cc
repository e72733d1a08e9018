#include "ops/nf4.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace hone::ops {
namespace {

constexpr std::array<float, 16> levels = {-1.0F,
                                          -0.6961928009986877F,
                                          -0.5250730514526367F,
                                          -0.39491748809814453F,
                                          -0.28444138169288635F,
                                          -0.18477343022823334F,
                                          -0.09105003625154495F,
                                          0.0F,
                                          0.07958029955625534F,
                                          0.16093020141124725F,
                                          0.24611230194568634F,
                                          0.33791524171829224F,
                                          0.44070982933044434F,
                                          0.5626170039176941F,
                                          0.7229568362236023F,
                                          1.0F};

// Scales below it are taken as this: 1 / 0 would be infinite.
constexpr float least_scale = 1e-38F;

template <std::size_t n>
std::array<float, n - 1> middles(const std::array<float, n>& values) {
  std::array<float, n - 1> between{};
  for (std::size_t i = 0; i + 1 < n; ++i) between[i] = (values[i] + values[i + 1]) / 2.0F;
  return between;
}

// How many of the 15 bounds lie below `value`.
unsigned nf4_code(float value) {
  static constexpr auto bounds = [] {
    std::array<float, 15> between{};
    for (std::size_t i = 0; i < 15; ++i) between[i] = (levels[i] + levels[i + 1]) / 2.0F;
    return between;
  }();
  unsigned code = 0;
  for (const float bound : bounds) code += bound < value ? 1U : 0U;
  return code;
}

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

std::uint8_t* bytes_of(tensor::Tensor& t) { return static_cast<std::uint8_t*>(t.view().data); }
const std::uint8_t* bytes_of(const tensor::Tensor& t) { return static_cast<const std::uint8_t*>(t.view().data); }

// torch's sum of a contiguous row (SumKernel.cpp: cascade_sum): 8 lanes of 4 rows side by side, added up in a cascade
// of four levels.
class TorchSum {
 public:
  static float of(std::span<const float> values) {
    const std::size_t vectors = values.size() / lanes;
    const std::size_t rows = vectors / side;
    Row total = cascade(values, rows);
    Vector sum = total[0];
    for (std::size_t v = rows * side; v < vectors; ++v) add(sum, &values[v * lanes]);
    for (std::size_t k = 1; k < side; ++k) add(sum, total[k].data());
    float result = 0;
    for (std::size_t i = vectors * lanes; i < values.size(); ++i) result += values[i];
    for (const float lane : sum) result += lane;
    return result;
  }

 private:
  static constexpr std::size_t lanes = 8;
  static constexpr std::size_t side = 4;
  static constexpr std::size_t depth = 4;
  using Vector = std::array<float, lanes>;
  using Row = std::array<Vector, side>;

  static void add(Vector& to, const float* from) {
    for (std::size_t i = 0; i < lanes; ++i) to[i] += from[i];
  }
  static void add(Row& to, const Row& from) {
    for (std::size_t k = 0; k < side; ++k) add(to[k], from[k].data());
  }

  static Row cascade(std::span<const float> values, std::size_t rows) {
    std::size_t log = 0;  // ceil(log2(rows))
    while ((std::size_t{1} << log) < rows) ++log;
    const std::size_t power = std::max<std::size_t>(4, log / depth);
    const std::size_t step = std::size_t{1} << power;
    std::array<Row, depth> sums{};
    const auto take = [&](std::size_t row) {
      for (std::size_t k = 0; k < side; ++k) add(sums[0][k], &values[(row * side + k) * lanes]);
    };
    std::size_t i = 0;
    while (i + step <= rows) {
      for (std::size_t j = 0; j < step; ++j) take(i++);
      for (std::size_t j = 1; j < depth; ++j) {
        add(sums[j], sums[j - 1]);
        sums[j - 1] = {};
        if ((i & ((step - 1) << (j * power))) != 0) break;
      }
    }
    while (i < rows) take(i++);
    for (std::size_t j = 1; j < depth; ++j) add(sums[0], sums[j]);
    return sums[0];
  }
};

// n values from 0.1 to 1 as torch.linspace has them.
std::vector<float> linspace(int n) {
  std::vector<float> values;
  const float step = (1.0F - 0.1F) / static_cast<float>(n - 1);
  for (int i = 0; i < n; ++i) {
    values.push_back(i < n / 2 ? std::fma(step, static_cast<float>(i), 0.1F)
                               : std::fma(-step, static_cast<float>(n - 1 - i), 1.0F));
  }
  return values;
}

}  // namespace

std::size_t Nf4::bytes() const { return codes.bytes() + scales.bytes() + scale_codes.bytes() + scale_maxima.bytes(); }

std::span<const float, 16> nf4_levels() { return levels; }

std::array<float, 256> dynamic_levels() {
  std::vector<float> all = {0.0F, 1.0F};
  for (int exponent = 0; exponent < 7; ++exponent) {
    const std::vector<float> bounds = linspace((1 << exponent) + 1);
    const auto factor = static_cast<float>(std::pow(10.0, exponent - 6));
    for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
      const float mean = (bounds[i] + bounds[i + 1]) / 2.0F;
      all.push_back(factor * mean);
      all.push_back(-factor * mean);
    }
  }
  std::sort(all.begin(), all.end());
  HONE_CHECK(all.size() == 256);
  std::array<float, 256> result{};
  std::copy(all.begin(), all.end(), result.begin());
  return result;
}

Nf4 empty_nf4(std::int64_t count) {
  Nf4 values;
  values.count = count;
  values.codes = tensor::Tensor::zeros({(count + 1) / 2}, tensor::DType::u8);
  values.scales = tensor::Tensor::empty({values.blocks()});
  return values;
}

void quantize_nf4(std::span<const float> values, std::int64_t first, Nf4& to) {
  const auto length = static_cast<std::int64_t>(values.size());
  HONE_CHECK(first % nf4_block == 0 && first + length <= to.count && !to.nested());
  HONE_CHECK(length % nf4_block == 0 || first + length == to.count);
  std::uint8_t* codes = bytes_of(to.codes) + first / 2;
  for (std::int64_t begin = 0; begin < length; begin += nf4_block) {
    const auto block =
        values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(std::min(nf4_block, length - begin)));
    const bool whole = block.size() == static_cast<std::size_t>(nf4_block);
    float scale = largest_magnitude(block);
    if (!whole) scale = std::max(scale, least_scale);
    to.scales.f32()[(first + begin) / nf4_block] = scale;
    const float factor = 1.0F / std::max(scale, least_scale);
    std::array<unsigned, nf4_block> found{};
    found.fill(nf4_code(0));  // what fills up an odd count
    for (std::size_t i = 0; i < block.size(); ++i) {
      const float scaled = whole ? block[i] * factor : block[i] / scale;
      found[i] = nf4_code(std::clamp(scaled, -1.0F, 1.0F));
    }
    for (std::size_t i = 0; i < block.size(); i += 2)
      codes[(static_cast<std::size_t>(begin) + i) / 2] = static_cast<std::uint8_t>(found[i] << 4 | found[i + 1]);
  }
}

void nest_scales(Nf4& values) {
  HONE_CHECK(!values.nested() && values.blocks() > 0);
  const std::span<const float> scales(values.scales.f32(), static_cast<std::size_t>(values.blocks()));
  const auto count = static_cast<std::int64_t>(scales.size());
  values.offset = TorchSum::of(scales) / static_cast<float>(count);
  values.scale_levels = dynamic_levels();
  values.scale_codes = tensor::Tensor::empty({count}, tensor::DType::u8);
  values.scale_maxima = tensor::Tensor::empty({(count + nested_block - 1) / nested_block});
  const auto bounds = middles(values.scale_levels);
  std::uint8_t* codes = bytes_of(values.scale_codes);
  std::array<float, nested_block> apart{};
  for (std::int64_t begin = 0; begin < count; begin += nested_block) {
    const std::int64_t length = std::min(nested_block, count - begin);
    for (std::int64_t i = 0; i < length; ++i)
      apart[static_cast<std::size_t>(i)] = scales[static_cast<std::size_t>(begin + i)] - values.offset;
    const float largest = largest_magnitude(std::span(apart).first(static_cast<std::size_t>(length)));
    values.scale_maxima.f32()[begin / nested_block] = largest;
    const float factor = 1.0F / largest;
    for (std::int64_t i = 0; i < length; ++i) {
      const float scaled = apart[static_cast<std::size_t>(i)] * factor;
      if (std::isnan(scaled)) {  // nothing differs from the mean
        codes[begin + i] = 0;
        continue;
      }
      const auto step = static_cast<int>((std::clamp(scaled, -1.0F, 1.0F) + 1.0F) * 32767.5F + 0.5F);
      const auto on_grid = static_cast<float>(step * (2.0 / 65535.0) - 1.0);
      codes[begin + i] =
          static_cast<std::uint8_t>(std::lower_bound(bounds.begin(), bounds.end(), on_grid) - bounds.begin());
    }
  }
  values.scales = {};
}

void widen_nf4(const Nf4& values, std::int64_t first, std::span<float> out) {
  const std::int64_t end = first + static_cast<std::int64_t>(out.size());
  HONE_CHECK(0 <= first && end <= values.count);
  const std::uint8_t* codes = bytes_of(values.codes);
  const bool nested = values.nested();
  float* to = out.data();
  for (std::int64_t at = first; at < end;) {
    const std::int64_t block = at / nf4_block;
    const std::int64_t block_end = std::min(end, (block + 1) * nf4_block);
    float scale = 0;
    if (nested) {
      const float part =
          values.scale_levels[bytes_of(values.scale_codes)[block]] * values.scale_maxima.f32()[block / nested_block];
      scale = part + values.offset;
    } else {
      scale = values.scales.f32()[block];
    }
    std::array<float, 16> products{};
    for (std::size_t i = 0; i < 16; ++i) products[i] = levels[i] * scale;
    if (at % 2 != 0) *to++ = products[codes[at++ / 2] & 15U];
    for (; at + 1 < block_end; at += 2) {
      const unsigned pair = codes[at / 2];
      *to++ = products[pair >> 4];
      *to++ = products[pair & 15U];
    }
    if (at < block_end) *to++ = products[codes[at++ / 2] >> 4];
  }
}

}  // namespace hone::ops
