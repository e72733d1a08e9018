#include "eval/chrf.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hone::eval {
namespace {

// The code points that Python's str.split() takes as whitespace.
bool is_space(std::uint32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// Length of the UTF-8 sequence that `lead` begins, 1 for anything odd.
std::size_t sequence_length(unsigned char lead) {
  if (lead >= 0xf0 && lead < 0xf8) return 4;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  return 1;
}

// Code points of `text` without whitespace; an invalid byte stands for itself, above all code points.
std::vector<std::uint32_t> visible_code_points(std::string_view text) {
  constexpr std::uint32_t after_unicode = 0x110000;
  std::vector<std::uint32_t> points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = sequence_length(lead);
    std::uint32_t point = lead < 0x80 ? lead : after_unicode + lead;
    std::size_t used = 1;
    if (length > 1 && i + length <= text.size()) {
      std::uint32_t joined = lead & (0xffu >> (length + 1));
      for (used = 1; used < length; ++used) {
        const auto next = static_cast<unsigned char>(text[i + used]);
        if ((next & 0xc0) != 0x80) break;
        joined = joined << 6 | (next & 0x3f);
      }
      if (used == length) {
        point = joined;
      } else {
        used = 1;
      }
    }
    if (!is_space(point)) points.push_back(point);
    i += used;
  }
  return points;
}

// Three code points of 21 bits in each half, so that an n-gram of up to six is one exact key.
using Gram = std::array<std::uint64_t, 2>;

std::vector<Gram> sorted_grams(const std::vector<std::uint32_t>& points, std::size_t order) {
  std::vector<Gram> grams;
  if (points.size() < order) return grams;
  grams.reserve(points.size() - order + 1);
  for (std::size_t begin = 0; begin + order <= points.size(); ++begin) {
    Gram gram{};
    for (std::size_t i = 0; i < order; ++i) {
      gram[i / 3] = gram[i / 3] << 21 | points[begin + i];
    }
    grams.push_back(gram);
  }
  std::sort(grams.begin(), grams.end());
  return grams;
}

// Size of the multiset intersection.
std::size_t matches(const std::vector<Gram>& a, const std::vector<Gram>& b) {
  std::size_t count = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] < b[j]) {
      ++i;
    } else if (b[j] < a[i]) {
      ++j;
    } else {
      ++count, ++i, ++j;
    }
  }
  return count;
}

}  // namespace

ChrfCounts chrf_counts(std::string_view answer, std::string_view gold) {
  const std::vector<std::uint32_t> answered = visible_code_points(answer);
  const std::vector<std::uint32_t> wanted = visible_code_points(gold);
  ChrfCounts counts{};
  for (std::size_t order = 1; order <= chrf_orders; ++order) {
    const std::vector<Gram> a = sorted_grams(answered, order);
    const std::vector<Gram> b = sorted_grams(wanted, order);
    double* cell = counts.data() + 3 * (order - 1);
    cell[0] = b.empty() ? 0 : static_cast<double>(a.size());
    cell[1] = static_cast<double>(b.size());
    cell[2] = static_cast<double>(matches(a, b));
  }
  return counts;
}

double chrf_value(const double* counts) {
  constexpr double beta_squared = 4;
  double precision = 0;
  double recall = 0;
  int orders = 0;
  for (std::size_t order = 0; order < chrf_orders; ++order) {
    const double* cell = counts + 3 * order;
    if (cell[0] <= 0 || cell[1] <= 0) continue;
    precision += cell[2] / cell[0];
    recall += cell[2] / cell[1];
    ++orders;
  }
  if (orders == 0 || precision + recall <= 0) return 0;
  precision /= orders;
  recall /= orders;
  return (1 + beta_squared) * precision * recall / (beta_squared * precision + recall);
}

}  // namespace hone::eval
