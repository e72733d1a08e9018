#include "base/terminal.h"

#include "decide/wording.h"
#include "report/figures.h"
#include "report/report.h"
#include "report/width.h"

namespace hone::report {
namespace {

constexpr std::size_t page_columns = 80;
constexpr std::size_t gap = 2;

using Cells = std::vector<std::string>;

std::string bracketed(const eval::Interval& interval) {
  return fmt::format("{} [{}, {}]", decide::points(interval.value), decide::points(interval.low),
                     decide::points(interval.high));
}

std::string cost_cell(const eval::ContenderResult& contender) {
  if (contender.latency.n == 0 && contender.usd_per_million <= 0) return "-";
  return contender.usd_per_million < 0.01 ? "<$0.01" : decide::usd(contender.usd_per_million);
}

Cells row_of(const ReportInput& input, const eval::ContenderResult& contender) {
  const std::optional<eval::Interval> difference = difference_to_best(input, contender);
  const bool is_best = &contender == &input.contenders.front();
  return {contender.name, bracketed(figure_of(contender, *input.task)),
          is_best ? "the best" : (difference ? bracketed(*difference) : "-"),
          contender.latency.n > 0 ? decide::milliseconds_text(contender.latency.p50_ms) : "-", cost_cell(contender)};
}

// Widths of the columns; the first takes what the others leave.
std::vector<std::size_t> widths_of(const std::vector<Cells>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(printable(row[i])));
  }
  std::size_t others = 0;
  for (std::size_t i = 1; i < widths.size(); ++i) others += gap + widths[i];
  widths[0] = std::min(widths[0], page_columns > others ? page_columns - others : std::size_t{8});
  return widths;
}

std::string joined(const Cells& row, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string cell = fitted(row[i], widths[i]);
    // Times and prices are compared by their size: right-aligned.
    const std::string space(widths[i] - std::min(widths[i], display_width(cell)), ' ');
    if (i > 0) line.append(gap, ' ');
    line += i + 2 >= row.size() ? space + cell : cell + space;
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

std::string share_text(std::size_t count, std::size_t of) {
  return of_hundred(of > 0 ? static_cast<double>(count) / static_cast<double>(of) : 0);
}

void add_wrapped(std::string& out, const std::string& text) {
  for (const std::string& line : wrapped(text, page_columns)) out += line + "\n";
}

// A bullet's text hangs under its first word.
void add_bullets(std::string& out, const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += "\n" + title + "\n";
  for (const std::string& line : lines) {
    std::vector<std::string> parts = wrapped(printable(line), page_columns - 4);
    for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "  - " : "    ") + parts[i] + "\n";
  }
}

}  // namespace

std::string terminal_table(const ReportInput& input) {
  HONE_CHECK(input.task != nullptr);
  if (input.contenders.empty()) return "No contender has been scored yet.\n";
  std::vector<Cells> rows = {
      {"contender", decide::metric_title(input.task->metric), "to the best", "p50", "$/million"}};
  for (const eval::ContenderResult& contender : input.contenders) rows.push_back(row_of(input, contender));
  const std::vector<std::size_t> widths = widths_of(rows);
  std::string table;
  for (const Cells& row : rows) table += joined(row, widths);
  add_wrapped(
      table, fmt::format("{} test rows; points of 100 with 95 % intervals; differences row by row; time of one request "
                         "alone.",
                         input.contenders.front().test_metrics.n));
  return table;
}

std::string plain_line(const eval::ContenderResult& contender, const data::Task& task) {
  const auto& named = contender.test_metrics.named;
  const auto rate = named.find(task.kind == data::Kind::classify ? "accuracy" : "exact");
  if (contender.test_metrics.n == 0 || rate == named.end()) return "not scored yet";
  const eval::Interval& right = rate->second;
  std::string line =
      fmt::format("{} on {} of 100, between {} and {}", task.kind == data::Kind::classify ? "right" : "exactly right",
                  of_hundred(right.value), of_hundred(right.low), of_hundred(right.high));
  if (const auto alarms = alarms_of(contender, task)) {
    line += fmt::format("; {} of 100 harmless ones blocked", share_text(alarms->false_alarms, alarms->harmless));
    if (alarms->harmful > 0) {
      line += fmt::format(", {} of 100 {} ones let through", share_text(alarms->missed, alarms->harmful),
                          printable(task.positive));
    }
  }
  if (const auto chrf = named.find("chrf"); chrf != named.end()) {
    line += fmt::format("; chrF {}", decide::points_text(chrf->second));
  }
  if (contender.test_metrics.failed > 0)
    line += fmt::format("; {} rows without an answer", contender.test_metrics.failed);
  return line;
}

std::string terminal_recommendation(const ReportInput& input) {
  const decide::Recommendation& recommendation = input.recommendation;
  std::string out;
  add_wrapped(out, fmt::format("Verdict: {}. {}", decide::name_of(recommendation.verdict),
                               printable(headline_after_verdict(recommendation))));
  for (const eval::ContenderResult& contender : input.contenders) {
    if (contender.name != recommendation.use || input.task == nullptr) continue;
    add_wrapped(out, fmt::format("{}: {}.", printable(contender.name), plain_line(contender, *input.task)));
  }
  add_bullets(out, "Why", recommendation.reasons);
  add_bullets(out, "Keep in mind", recommendation.caveats);
  add_bullets(out, "What it costs", recommendation.break_even.notes);
  std::vector<std::string> findings;
  for (const data::Finding& finding : input.findings) {
    if (finding.severity == data::Severity::note) continue;
    findings.push_back(finding.title + " " + finding.suggestion +
                       (finding.command.empty() ? "" : fmt::format(" ({})", finding.command)));
  }
  add_bullets(out, "Found on the way", findings);
  if (input.next_commands.empty()) return out;
  out += "\nNext\n";
  for (const auto& [purpose, command] : input.next_commands) {
    out += "  " + fitted(purpose, page_columns - 3) + ":\n";
    // Never broken: it is there to be copied.
    out += "    " + printable(command) + "\n";
  }
  return out;
}

}  // namespace hone::report
