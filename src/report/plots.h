// Plots as inline SVG. Places across are percentages, so a plot keeps its proportions of type and dots at any width.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/score.h"
#include "report/html.h"

namespace hone::report {

// How a line is coloured: by the contender's role.
enum class Role { tuned, untuned, other };
const char* class_of(Role role);

struct PlotRow {
  std::string name;   // outside text, escaped here
  std::string note;   // small text under the name, outside text
  std::string value;  // at the right, already HTML
  struct Mark {
    eval::Interval interval;
    Role role = Role::other;
  };
  std::vector<Mark> marks;
  Role role = Role::other;  // of the name
};

struct IntervalPlot {
  std::vector<PlotRow> rows;
  Scale scale;
  std::string unit = "points";   // of the axis, for screen readers
  double factor = 100;           // axis labels are value * factor
  std::optional<double> target;  // a dashed line
  std::optional<double> margin;  // a band of +- margin around 0, and a line at 0
  bool is_logarithmic = false;   // scale and intervals are log10; labels are 10^value
};
// Rows of a dot with its interval on one shared axis.
std::string interval_plot(const IntervalPlot& plot);

struct Series {
  std::string name;
  Role role = Role::other;
  std::vector<std::pair<double, double>> points;  // by ascending x; values that are not finite are left out
  bool with_dots = false;
  bool is_faint = false;  // thin, behind the others
  bool is_dashed = false;
};
struct LineChart {
  std::vector<Series> series;
  Scale x, y;
  double y_factor = 1;
  std::string x_unit;  // "steps"
};
std::string line_chart(const LineChart& chart);

}  // namespace hone::report
