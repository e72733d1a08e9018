// Invisible characters, wrong encodings, look-alike letters and rows of another script.
#include <algorithm>
#include <functional>
#include <map>

#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/odd_characters.h"

namespace hone::data {
namespace {

constexpr std::size_t most_examples = 5;
constexpr double stray_share = 0.05;  // of all rows: a script with fewer is a stray one
constexpr double usual_share = 0.9;   // of the main one

struct Odd {
  const Row* row;
  std::string why;
};

void for_rows(const CheckInput& input, const std::function<void(const Row&)>& use) {
  for (const auto* rows : {&input.train, &input.validation, &input.test}) {
    for (const Row& row : *rows) use(row);
  }
}

// Nothing odd stands among printable ASCII characters.
bool is_plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t' || c == '\r'; });
}

// The first that is found in the input, else in the output.
std::vector<Odd> odd_rows(const CheckInput& input, const std::function<std::string(const std::string&)>& why) {
  std::vector<Odd> odd;
  for_rows(input, [&](const Row& row) {
    std::string found = is_plain(row.input) ? std::string() : why(row.input);
    if (found.empty() && !is_plain(row.output)) found = why(row.output);
    if (!found.empty()) odd.push_back({&row, std::move(found)});
  });
  return odd;
}

void add(const CheckInput& input, const std::vector<Odd>& odd, Finding finding, Findings& findings) {
  if (odd.empty()) return;
  finding.evidence["rows"] = odd.size();
  finding.evidence["share"] = share(odd.size(), all_rows(input));
  finding.evidence["examples"] = Json::array();
  std::vector<const Row*> rows;
  for (const Odd& row : odd) {
    rows.push_back(row.row);
    finding.rows.push_back(row.row->id);
    if (finding.evidence["examples"].size() == most_examples) continue;
    Json example = {{"line", row.row->line}, {"why", row.why}, {"id", row.row->id}};
    if (const Path file = file_of(input, *row.row); file != input.task->data.train)
      example["file"] = file.filename().string();
    finding.evidence["examples"].push_back(std::move(example));
  }
  finding.command = show_rows_command(input, rows);
  findings.push_back(std::move(finding));
}

void check_invisible(const CheckInput& input, Findings& findings) {
  std::map<std::string, std::size_t> counts;
  const auto odd = odd_rows(input, [&](const std::string& text) {
    const auto found = invisible_characters(text);
    if (found.empty()) return std::string();
    for (const std::uint32_t point : found) ++counts[fmt::format("U+{:04X}", point)];
    return fmt::format("holds U+{:04X}{}: \"{}\"", found.front(),
                       found.size() > 1 ? fmt::format(" and {} more", found.size() - 1) : "", clipped(text, 50));
  });
  Finding finding;
  finding.id = "invisible-characters";
  finding.severity = Severity::warning;
  finding.title =
      fmt::format("{} characters that nobody sees and a model reads.", count_of(odd.size(), "row holds", "rows hold"));
  finding.evidence = Json{{"characters", counts}};
  finding.suggestion = "Take them out, unless real inputs come with them.";
  add(input, odd, std::move(finding), findings);
}

void check_encoding(const CheckInput& input, Findings& findings) {
  const auto odd = odd_rows(input, [](const std::string& text) {
    const std::string found = wrongly_decoded(text);
    return found.empty() ? found : fmt::format("\"{}\"", clipped(found, 40));
  });
  Finding finding;
  finding.id = "wrong-encoding";
  finding.severity = Severity::warning;
  finding.title = fmt::format("{} text that was read in the wrong encoding, or characters that were lost.",
                              count_of(odd.size(), "row holds", "rows hold"));
  finding.evidence = Json::object();
  finding.suggestion = "Export the rows again as UTF-8.";
  add(input, odd, std::move(finding), findings);
}

void check_lookalikes(const CheckInput& input, Findings& findings) {
  const auto odd = odd_rows(input, [](const std::string& text) {
    const std::string found = mixed_script_word(text);
    return found.empty() ? found : fmt::format("\"{}\" has letters of two scripts", clipped(found, 40));
  });
  Finding finding;
  finding.id = "mixed-scripts";
  finding.severity = Severity::note;
  finding.title = fmt::format("{} a word with letters of two scripts that look alike.",
                              count_of(odd.size(), "row holds", "rows hold"));
  finding.evidence = Json::object();
  finding.suggestion = "Write these words in one script, unless the task is to notice them.";
  add(input, odd, std::move(finding), findings);
}

void check_scripts(const CheckInput& input, Findings& findings) {
  std::map<std::string, std::vector<const Row*>> by_script;
  std::size_t known = 0;
  for_rows(input, [&](const Row& row) {
    const std::string script = main_script(row.input);
    if (script.empty()) return;
    ++known;
    by_script[script].push_back(&row);
  });
  const auto main = std::max_element(by_script.begin(), by_script.end(),
                                     [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  if (main == by_script.end() || share(main->second.size(), known) < usual_share) return;
  std::vector<Odd> odd;
  Json counts = Json::object();
  for (const auto& [script, rows] : by_script) {
    counts[script] = rows.size();
    if (script == main->first || share(rows.size(), known) > stray_share) continue;
    for (const Row* row : rows) odd.push_back({row, fmt::format("{}: \"{}\"", script, clipped(row->input, 50))});
  }
  Finding finding;
  finding.id = "other-script";
  finding.severity = Severity::note;
  finding.title =
      fmt::format("{} written in another script than {} of 100 others.", count_of(odd.size(), "input is", "inputs are"),
                  static_cast<int>(100 * share(main->second.size(), known)));
  finding.evidence = Json{{"scripts", std::move(counts)}};
  finding.suggestion = "Add more such rows where real traffic has them; so few teach and test little.";
  add(input, odd, std::move(finding), findings);
}

}  // namespace

void check_characters(const CheckInput& input, Findings& findings) {
  check_invisible(input, findings);
  check_encoding(input, findings);
  check_lookalikes(input, findings);
  check_scripts(input, findings);
}

}  // namespace hone::data
