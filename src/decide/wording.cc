#include "decide/wording.h"

#include <cmath>

#include "base/terminal.h"

namespace hone::decide {

std::string points(double share) {
  const std::string text = fmt::format("{:.1f}", 100 * share);
  return text == "-0.0" ? "0.0" : text;
}

std::string points_text(const eval::Interval& interval) {
  return fmt::format("{} ({} to {})", points(interval.value), points(interval.low), points(interval.high));
}

std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", std::abs(number));
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return number < 0 && digits != "0" ? "-" + digits : digits;
}

std::string about(double number) {
  if (std::abs(number) < 1000) return grouped(number);
  const double unit = std::pow(10.0, std::floor(std::log10(std::abs(number))) - 2);
  return grouped(std::round(number / unit) * unit);
}

std::string usd(double amount) {
  if (amount >= 100) return "$" + grouped(amount);
  if (amount >= 10) {
    const std::string text = fmt::format("${:.1f}", amount);
    return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
  }
  if (amount >= 0.1 || amount <= 0) return fmt::format("${:.2f}", std::max(amount, 0.0));
  return amount < 0.0001 ? "under $0.0001" : fmt::format("${:.2g}", amount);
}

std::string metric_title(const std::string& metric) {
  if (metric == "macro_f1") return "macro-F1";
  if (metric == "mcc") return "MCC";
  if (metric == "chrf") return "chrF";
  if (metric == "qwk") return "weighted kappa";
  if (metric == "within_one") return "within one grade";
  if (metric == "label_f1") return "labels, F1";
  if (metric == "label_macro_f1") return "labels, macro-F1";
  if (metric == "label_precision") return "labels, precision";
  if (metric == "label_recall") return "labels, recall";
  if (metric == "field_f1") return "fields, F1";
  if (metric == "field_precision") return "fields, precision";
  if (metric == "field_recall") return "fields, recall";
  return metric == "exact" ? "exact match" : metric;
}

std::string milliseconds_text(double milliseconds) {
  if (milliseconds >= 1000) return fmt::format("{:.1f} s", milliseconds / 1000);
  if (milliseconds >= 10) return fmt::format("{:.0f} ms", milliseconds);
  if (milliseconds < 0.01) return "<0.01 ms";
  return milliseconds >= 1 ? fmt::format("{:.1f} ms", milliseconds) : fmt::format("{:.2f} ms", milliseconds);
}

std::string shown_name(const std::string& name) { return printable(name); }

}  // namespace hone::decide
