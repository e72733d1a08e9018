#include "cli/findings.h"

#include "base/terminal.h"
#include "cli/command.h"

namespace hone::cli {
namespace {

constexpr std::size_t shown_rows = 8;

void print_finding(const data::Finding& finding) {
  print_line(fmt::format("{}: {}  [{}]", data::name_of(finding.severity), printable(finding.title), finding.id));
  std::string rows;
  for (std::size_t i = 0; i < std::min(shown_rows, finding.rows.size()); ++i)
    rows += (i == 0 ? "" : ", ") + printable(finding.rows[i]);
  if (!rows.empty()) print_line(fmt::format("  rows: {}{}", rows, finding.rows.size() > shown_rows ? ", ..." : ""));
  if (!finding.suggestion.empty()) print_line(fmt::format("  try: {}", printable(finding.suggestion)));
  if (!finding.command.empty()) print_line(fmt::format("  next: {}", printable(finding.command)));
}

}  // namespace

void print_findings(const std::vector<data::Finding>& findings, bool json) {
  if (json) {
    Json all = Json::array();
    for (const auto& finding : findings) all.push_back(data::to_json(finding));
    print_json({{"findings", all}});
    return;
  }
  if (findings.empty()) print_line("nothing found");
  for (const auto& finding : findings) print_finding(finding);
}

}  // namespace hone::cli
