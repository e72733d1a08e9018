#include "report/html.h"

#include <algorithm>
#include <cmath>

#include "base/terminal.h"

namespace hone::report {
namespace {

// The round step (1, 2 or 5 times a power of ten) that cuts `range` into four to eight or so.
double step_of(double range) {
  const double rough = std::max(range, 1e-12) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string escaped_sentence(std::string_view text) {
  std::string out;
  bool is_code = false;
  const std::string safe = escaped(text);
  const bool is_paired = std::count(safe.begin(), safe.end(), '`') % 2 == 0;
  for (const char c : safe) {
    if (c == '`' && is_paired) {
      out += is_code ? "</code>" : "<code>";
      is_code = !is_code;
    } else {
      out += c;
    }
  }
  return out;
}

Scale scale_over(double low, double high, double floor, double ceiling) {
  if (!(high > low)) high = low + 0.01;
  const double step = step_of(high - low);
  Scale scale{std::max(floor, step * std::floor(low / step)), std::min(ceiling, step * std::ceil(high / step))};
  if (!(scale.high > scale.low)) scale.high = scale.low + step;
  return scale;
}

std::vector<double> ticks_of(const Scale& scale) {
  const double step = step_of(scale.high - scale.low);
  std::vector<double> ticks;
  for (double i = std::ceil(scale.low / step - 1e-9); i * step <= scale.high + 1e-9 * step; ++i)
    ticks.push_back(i * step);
  return ticks;
}

}  // namespace hone::report
