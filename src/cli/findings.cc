#include "cli/findings.h"

#include "base/terminal.h"
#include "cli/command.h"

namespace hone::cli {
namespace {

constexpr std::size_t shown_rows = 8;
constexpr std::size_t shown_examples = 5;

// "line 7: unknown label ..." where it has a line, else its texts: "training: ..., test: ...".
std::string example_text(const Json& example) {
  if (example.contains("line") && example.contains("why")) {
    const std::string file = example.value("file", std::string());
    return fmt::format("{}line {}: {}", file.empty() ? "" : printable(file) + " ", to_text(example["line"]),
                       printable(example["why"].get<std::string>()));
  }
  std::string text;
  for (const auto& [key, value] : example.items()) {
    if (key == "id" || !value.is_string()) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", printable(key), printable(value.get<std::string>()));
  }
  return text;
}

void print_examples(const data::Finding& finding) {
  const auto examples = finding.evidence.find("examples");
  if (examples == finding.evidence.end() || !examples->is_array()) return;
  for (std::size_t i = 0; i < std::min(shown_examples, examples->size()); ++i) {
    if (const std::string text = example_text((*examples)[i]); !text.empty()) print_wrapped("  - " + text, 4);
  }
}

void print_finding(const data::Finding& finding) {
  print_wrapped(fmt::format("{}: {} [{}]", data::name_of(finding.severity), printable(finding.title), finding.id), 2);
  std::string rows;
  for (std::size_t i = 0; i < std::min(shown_rows, finding.rows.size()); ++i)
    rows += (i == 0 ? "" : ", ") + clipped(finding.rows[i], 60);
  if (!rows.empty())
    print_wrapped(fmt::format("  rows: {}{}", rows, finding.rows.size() > shown_rows ? ", ..." : ""), 4);
  print_examples(finding);
  if (!finding.suggestion.empty()) print_wrapped(fmt::format("  try: {}", printable(finding.suggestion)), 4);
  // Never broken: it is there to be copied.
  if (!finding.command.empty()) print_line(fmt::format("  next: {}", printable(finding.command)));
}

}  // namespace

Json findings_json(const std::vector<data::Finding>& findings) {
  Json all = Json::array();
  for (const auto& finding : findings) all.push_back(data::to_json(finding));
  return {{"findings", all}};
}

void print_findings(const std::vector<data::Finding>& findings, const std::string& none) {
  if (findings.empty()) print_line(none);
  for (const auto& finding : findings) print_finding(finding);
}

}  // namespace hone::cli
