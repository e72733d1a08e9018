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
  const bool is_unknown = contender.latency.n == 0 || contender.kind == eval::ContenderKind::api;
  if (contender.usd_per_million <= 0 && is_unknown) return "-";
  return contender.usd_per_million < 0.01 ? "<$0.01" : decide::usd(contender.usd_per_million);
}

// "0.21", "45", "1240"; the column says that they are milliseconds.
std::string time_cell(const eval::ContenderResult& contender, double milliseconds) {
  if (contender.latency.n == 0) return "-";
  if (milliseconds < 0.01) return "<0.01";
  return fmt::format("{:.{}f}", milliseconds, milliseconds >= 10 ? 0 : milliseconds >= 1 ? 1 : 2);
}

Cells row_of(const ReportInput& input, const eval::ContenderResult& contender) {
  const std::optional<eval::Interval> difference = difference_to_best(input, contender);
  const bool is_ranked = contender.unranked.empty();
  const bool is_best = is_ranked && &contender == &input.contenders.front();
  return {contender.name,
          bracketed(figure_of(contender, *input.task)),
          is_best      ? "the best"
          : !is_ranked ? "not ranked"
                       : (difference ? bracketed(*difference) : "-"),
          time_cell(contender, contender.latency.p50_ms),
          time_cell(contender, contender.latency.p95_ms),
          cost_cell(contender)};
}

constexpr std::size_t first_number = 3;  // columns from here on are compared by their size: right-aligned

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

// A row of the table; a name that is too long goes on below it, set in.
std::string joined(const Cells& row, const std::vector<std::size_t>& widths) {
  const std::string whole = printable(row[0]);
  const bool fits = display_width(whole) <= widths[0];
  std::vector<std::string> name = fits ? std::vector{whole} : broken(whole, widths[0] - 2);
  if (name.empty()) name.emplace_back();  // nothing but spaces
  std::string lines;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string cell = i == 0 ? name.front() : fitted(row[i], widths[i]);
    const std::string space(widths[i] - std::min(widths[i], display_width(cell)), ' ');
    if (i > 0) lines.append(gap, ' ');
    lines += i >= first_number ? space + cell : cell + space;
  }
  lines = lines.substr(0, lines.find_last_not_of(' ') + 1) + "\n";
  for (std::size_t i = 1; i < name.size(); ++i) lines += "  " + name[i] + "\n";
  return lines;
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
      {"contender", decide::metric_title(input.task->metric), "to the best", "p50 ms", "p95 ms", "$/1M"}};
  for (const eval::ContenderResult& contender : input.contenders) rows.push_back(row_of(input, contender));
  const std::vector<std::size_t> widths = widths_of(rows);
  std::string table;
  for (const Cells& row : rows) table += joined(row, widths);
  add_wrapped(
      table,
      fmt::format("Best first by the validation rows, which choose; figures of {} test rows, which judge: points "
                  "of 100 with 95 % intervals; differences row by row. Milliseconds of one request alone: half "
                  "of them, 95 of 100. $/1M: dollars for a million requests.",
                  input.contenders.front().test_metrics.n));
  return table;
}

std::string plain_line(const eval::ContenderResult& contender, const data::Task& task) {
  const auto& named = contender.test_metrics.named;
  const auto rate = named.find(task.kind == data::Kind::classify ? "accuracy" : "exact");
  if (contender.test_metrics.n == 0 || rate == named.end()) return "not scored yet";
  const eval::Interval& right = rate->second;
  std::string line = fmt::format("{} on {} of 100, {}", task.kind == data::Kind::classify ? "right" : "exactly right",
                                 of_hundred(right.value), between_text(right));
  for (const AlarmFigure& alarm : alarm_figures(contender, task)) {
    line += fmt::format("; {} of 100 {} ({})", of_hundred(alarm.share.value), alarm.what, between_text(alarm.share));
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
