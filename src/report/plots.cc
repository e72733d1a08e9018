#include "report/plots.h"

#include <cmath>

namespace hone::report {
namespace {

constexpr std::size_t most_points = 600;

std::string tick_text(double value) {
  std::string text = fmt::format("{:.6g}", std::abs(value) < 1e-9 ? 0.0 : value);
  return text;
}

std::string clamped(const Scale& scale, double value) {
  return fmt::format("{:.2f}%", std::clamp(scale.percent(value), 0.0, 100.0));
}

std::string vertical(const Scale& scale, double value, const char* css) {
  const std::string x = clamped(scale, value);
  return fmt::format("<line class=\"{}\" x1=\"{}\" x2=\"{}\" y1=\"0\" y2=\"100%\"/>", css, x, x);
}

// What lies behind the dots of every row.
std::string backdrop(const IntervalPlot& plot, const std::vector<double>& ticks) {
  std::string out;
  if (plot.margin) {
    const double low = std::max(0.0, plot.scale.percent(-*plot.margin));
    const double high = std::min(100.0, plot.scale.percent(*plot.margin));
    out += fmt::format("<rect class=\"margin-band\" x=\"{:.2f}%\" width=\"{:.2f}%\" y=\"0\" height=\"100%\"/>", low,
                       std::max(0.0, high - low));
  }
  for (const double tick : ticks) out += vertical(plot.scale, tick, "grid");
  if (plot.margin) out += vertical(plot.scale, 0, "zero");
  if (plot.target) out += vertical(plot.scale, *plot.target, "target");
  return out;
}

std::string marks(const PlotRow& row, const Scale& scale) {
  std::string out;
  const auto count = static_cast<double>(row.marks.size());
  for (std::size_t i = 0; i < row.marks.size(); ++i) {
    const PlotRow::Mark& mark = row.marks[i];
    const std::string y = fmt::format("{:.1f}%", 50 + 28 * (static_cast<double>(i) - (count - 1) / 2));
    out += fmt::format(
        "<g class=\"{}\"><line class=\"range\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/><circle class=\"dot\" "
        "cx=\"{}\" cy=\"{}\" "
        "r=\"5\"/></g>",
        class_of(mark.role), clamped(scale, mark.interval.low), clamped(scale, mark.interval.high), y, y,
        clamped(scale, mark.interval.value), y);
  }
  return out;
}

std::string axis(const IntervalPlot& plot, const std::vector<double>& ticks) {
  std::string out =
      "<div class=\"plot-row axis\"><span class=\"name\"></span><div class=\"plot\" "
      "style=\"min-height:18px\"><svg aria-hidden=\"true\">";
  for (const double tick : ticks) {
    const double place = plot.scale.percent(tick);
    const char* anchor = place < 3 ? "start" : place > 97 ? "end" : "middle";
    const double label = plot.is_logarithmic ? std::pow(10, tick) : tick * plot.factor;
    out += fmt::format("<text x=\"{:.2f}%\" y=\"12\" text-anchor=\"{}\">{}</text>", place, anchor, tick_text(label));
  }
  return out + "</svg></div><span class=\"value\"></span></div>\n";
}

// The points as an SVG path in a box of 1000 by 1000; at most 600 of them.
std::string path_of(const Series& series, const LineChart& chart) {
  const std::size_t stride = series.points.size() / most_points + 1;
  std::string path;
  for (std::size_t i = 0; i < series.points.size(); ++i) {
    const auto& [x, y] = series.points[i];
    if (!std::isfinite(y) || (i % stride != 0 && i + 1 != series.points.size())) continue;
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", 10 * chart.x.percent(x),
                        1000 - 10 * std::clamp(chart.y.percent(y), 0.0, 100.0));
  }
  return path;
}

std::string labels(const LineChart& chart) {
  std::string out = "<div class=\"x\">";
  for (const double tick : ticks_of(chart.x)) {
    const bool is_last = chart.x.percent(tick) > 90;
    out += fmt::format("<span style=\"left:{:.2f}%\">{}{}</span>", chart.x.percent(tick), tick_text(tick),
                       is_last ? " " + escaped(chart.x_unit) : "");
  }
  return out + "</div>";
}

}  // namespace

const char* class_of(Role role) {
  switch (role) {
    case Role::tuned:
      return "tuned";
    case Role::untuned:
      return "untuned";
    case Role::other:
      return "other";
  }
  return "";
}

std::string interval_plot(const IntervalPlot& plot) {
  const std::vector<double> ticks = ticks_of(plot.scale);
  std::string out;
  for (std::size_t i = 0; i < plot.rows.size(); ++i) {
    const PlotRow& row = plot.rows[i];
    out += fmt::format("<div class=\"plot-row {}{}\"><span class=\"name\">{}", class_of(row.role),
                       i == 0 ? " first" : "", escaped(row.name));
    if (!row.note.empty()) out += fmt::format("<small>{}</small>", escaped(row.note));
    out += fmt::format("</span><div class=\"plot\" style=\"min-height:{}px\"><svg role=\"img\" aria-label=\"{}\">",
                       12 + 18 * row.marks.size(), escaped(fmt::format("{} on an axis of {}", row.name, plot.unit)));
    out += backdrop(plot, ticks) + marks(row, plot.scale);
    out += fmt::format("</svg></div><span class=\"value\">{}</span></div>\n", row.value);
  }
  return out + axis(plot, ticks);
}

std::string line_chart(const LineChart& chart) {
  std::string out = "<div class=\"chart\"><div class=\"y\">";
  const std::vector<double> ticks = ticks_of(chart.y);
  for (const double tick : ticks) {
    out += fmt::format("<span style=\"bottom:{:.2f}%\">{}</span>", chart.y.percent(tick),
                       tick_text(tick * chart.y_factor));
  }
  out += "</div><svg role=\"img\" aria-label=\"curves over " + escaped(chart.x_unit) + "\">";
  for (const double tick : ticks) {
    const double y = 100 - chart.y.percent(tick);
    out += fmt::format("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{:.2f}%\" y2=\"{:.2f}%\"/>", y, y);
  }
  out += "<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\">";
  for (const Series& series : chart.series) {
    out += fmt::format("<path class=\"line s-{}{}{}\" d=\"{}\"/>", class_of(series.role), series.is_faint ? " raw" : "",
                       series.is_dashed ? " dashed" : "", path_of(series, chart));
  }
  out += "</svg>";
  for (const Series& series : chart.series) {
    if (!series.with_dots) continue;
    for (const auto& [x, y] : series.points) {
      if (!std::isfinite(y)) continue;
      out += fmt::format("<circle class=\"dot f-{}\" cx=\"{:.2f}%\" cy=\"{:.2f}%\" r=\"4.5\"/>", class_of(series.role),
                         chart.x.percent(x), 100 - std::clamp(chart.y.percent(y), 0.0, 100.0));
    }
  }
  return out + "</svg>" + labels(chart) + "</div>\n";
}

}  // namespace hone::report
