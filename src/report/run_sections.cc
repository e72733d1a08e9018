#include <algorithm>
#include <cmath>

#include "decide/wording.h"
#include "report/figures.h"
#include "report/sections.h"

namespace hone::report {
namespace {

using Points = std::vector<std::pair<double, double>>;

Points losses_of(const TrainCurve& curve) {
  Points points;
  for (const train::StepEvent& step : curve.steps) {
    if (!step.skipped && std::isfinite(step.loss)) points.emplace_back(step.step, step.loss);
  }
  return points;
}

// Mean over the neighbours within a thirtieth of the run.
Points smoothed(const Points& points) {
  const auto reach = static_cast<std::ptrdiff_t>(points.size() / 30 + 1);
  const auto count = static_cast<std::ptrdiff_t>(points.size());
  Points result;
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const std::ptrdiff_t begin = std::max<std::ptrdiff_t>(0, i - reach);
    const std::ptrdiff_t end = std::min(count, i + reach + 1);
    double sum = 0;
    for (std::ptrdiff_t j = begin; j < end; ++j) sum += points[static_cast<std::size_t>(j)].second;
    result.emplace_back(points[static_cast<std::size_t>(i)].first, sum / static_cast<double>(end - begin));
  }
  return result;
}

// The largest value but for the highest fiftieth: one spike should not flatten the curve.
double usual_top(std::vector<double> values) {
  if (values.empty()) return 1;
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) * 49 / 50];
}

std::string loss_chart(const TrainCurve& curve, const Scale& x) {
  const Points losses = losses_of(curve);
  Points validation;
  std::vector<double> heights;
  for (const auto& [step, loss] : losses) heights.push_back(loss);
  for (const train::Validation& v : curve.validations) {
    validation.emplace_back(v.step, v.loss);
    if (std::isfinite(v.loss)) heights.push_back(v.loss);
  }
  LineChart chart{
      .series = {}, .x = x, .y = scale_over(0, usual_top(heights), 0, 1e9), .y_factor = 1, .x_unit = "steps"};
  chart.series.push_back({.name = "each step", .role = Role::tuned, .points = losses, .is_faint = true});
  chart.series.push_back({.name = "training", .role = Role::tuned, .points = smoothed(losses)});
  chart.series.push_back(
      {.name = "validation", .role = Role::untuned, .points = validation, .with_dots = true, .is_dashed = true});
  return line_chart(chart);
}

std::string metric_chart(const TrainCurve& curve, const Scale& x) {
  Points points;
  double low = 1;
  double high = 0;
  for (const train::Validation& v : curve.validations) {
    if (!std::isfinite(v.metric)) continue;
    points.emplace_back(v.step, v.metric);
    low = std::min(low, v.metric);
    high = std::max(high, v.metric);
  }
  LineChart chart{
      .series = {}, .x = x, .y = scale_over(low - 0.01, high + 0.01, -1, 1), .y_factor = 100, .x_unit = "steps"};
  chart.series.push_back({.name = "validation", .role = Role::untuned, .points = points, .with_dots = true});
  return line_chart(chart);
}

std::string curve_cards(const ReportInput& input, const TrainCurve& curve) {
  double last = 1;
  for (const train::StepEvent& step : curve.steps) last = std::max(last, static_cast<double>(step.step));
  const Scale x{0, last};
  std::string out =
      "<div class=\"pair\"><div class=\"card\"><h3>Loss</h3><div class=\"legend\"><span><i class=\"bar\" "
      "style=\"--swatch:var(--tuned)\"></i>training rows</span><span><i style=\"--swatch:var(--untuned)\"></i>"
      "validation rows</span></div>\n" +
      loss_chart(curve, x) + "</div>\n";
  if (!curve.validations.empty()) {
    out += "<div class=\"card\"><h3>" + escaped(decide::metric_title(input.task->metric)) +
           " on validation rows</h3><div class=\"legend\"><span><i style=\"--swatch:var(--untuned)\"></i>after so many "
           "steps</span></div>\n" +
           metric_chart(curve, x) + "</div>\n";
  }
  return out + "</div>\n";
}

const char* severity_class(data::Severity severity) {
  switch (severity) {
    case data::Severity::error:
      return "error";
    case data::Severity::warning:
      return "warning";
    case data::Severity::note:
      return "note";
  }
  return "note";
}

std::string evidence_of(const data::Finding& finding) {
  if (!finding.evidence.is_object() || finding.evidence.empty()) return {};
  std::string out = "<details><summary>Evidence</summary><div class=\"scroll\"><table><tbody>\n";
  for (const auto& [key, value] : finding.evidence.items()) {
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', ' ');
    out += "<tr><td>" + escaped(name) + "</td><td style=\"white-space:normal\">" +
           escaped(value.is_string() ? value.get<std::string>() : to_text(value)) + "</td></tr>\n";
  }
  out += "</tbody></table></div>";
  if (!finding.rows.empty()) {
    out += fmt::format("<p>Rows: <code>{}</code></p>", escaped(fmt::format("{}", fmt::join(finding.rows, ", "))));
  }
  return out + "</details>\n";
}

}  // namespace

std::string training_section(const ReportInput& input) {
  std::string cards;
  for (const TrainCurve& curve : input.curves) {
    if (curve.steps.empty()) continue;
    if (input.curves.size() > 1) cards += "<h3>" + escaped(curve.run) + "</h3>\n";
    cards += curve_cards(input, curve);
  }
  if (cards.empty()) return {};
  return "<section><h2>Training</h2><p class=\"lead\">The loss says how surprised the model is by the right answer. "
         "Training "
         "rows falling while validation rows rise is learning by heart.</p>\n" +
         cards + "</section>\n";
}

std::string speed_section(const ReportInput& input) {
  IntervalPlot plot;
  plot.is_logarithmic = true;
  plot.unit = "milliseconds";
  double low = 1e9;
  double high = -1e9;
  for (const eval::ContenderResult& contender : input.contenders) {
    const eval::Latency& latency = contender.latency;
    if (latency.n == 0) continue;
    const double p50 = std::log10(std::max(latency.p50_ms, 1e-3));
    const double p95 = std::log10(std::max({latency.p95_ms, latency.p50_ms, 1e-3}));
    low = std::min(low, p50);
    high = std::max(high, p95);
    const Role role = role_of(input, contender);
    plot.rows.push_back(
        {.name = contender.name,
         .note = {},
         .value = fmt::format("{} <small>to {}</small><br><small>{} a million</small>",
                              decide::milliseconds_text(latency.p50_ms), decide::milliseconds_text(latency.p95_ms),
                              contender.usd_per_million > 0 ? decide::usd(contender.usd_per_million) : "price unknown"),
         .marks = {{{p50, p50, p95}, role}},
         .role = role});
  }
  if (plot.rows.empty()) return {};
  // Whole powers of ten, so that every tick is a round number.
  plot.scale = {std::floor(low), std::max(std::ceil(high), std::floor(low) + 1)};
  if (plot.scale.high - plot.scale.low > 1) {
    if (const auto limit = input.task->circumstances.latency_ms) plot.target = std::log10(std::max(*limit, 1e-3));
  }
  std::string out =
      "<section><h2>Speed and cost</h2><p class=\"lead\">One request at a time on this machine, in milliseconds: "
      "the dot is the usual one, the line reaches to the slowest of 20.";
  out += plot.target ? " The dashed line is your limit.</p>" : "</p>";
  out += "<div class=\"card\">\n" + interval_plot(plot) + "</div>\n";
  const decide::BreakEven& even = input.recommendation.break_even;
  if (even.notes.empty()) return out + "</section>\n";
  out += "<details open><summary>When a machine of your own pays</summary><ul class=\"plain\">\n";
  for (const std::string& note : even.notes) out += "<li>" + escaped_sentence(note) + "</li>\n";
  return out + "</ul></details></section>\n";
}

std::string findings_section(const ReportInput& input) {
  if (input.findings.empty()) return {};
  std::string out = "<section class=\"long\"><h2>Found on the way</h2>\n";
  for (const data::Finding& finding : input.findings) {
    const char* severity = severity_class(finding.severity);
    out += fmt::format("<div class=\"finding {0}\"><p><span class=\"chip {0}\">{0}</span> <b>{1}</b></p><p>{2}</p>",
                       severity, escaped_sentence(finding.title), escaped_sentence(finding.suggestion));
    if (!finding.command.empty()) out += "<pre>" + escaped(finding.command) + "</pre>";
    out += evidence_of(finding) + "</div>\n";
  }
  return out + "</section>\n";
}

std::string commands_section(const ReportInput& input) {
  if (input.next_commands.empty()) return {};
  std::string out = "<section><h2>What to do next</h2>\n<ul class=\"plain\">\n";
  for (const auto& [purpose, command] : input.next_commands) {
    out += "<li>" + escaped(purpose) + "<pre>" + escaped(command) + "</pre></li>\n";
  }
  return out + "</ul></section>\n";
}

}  // namespace hone::report
