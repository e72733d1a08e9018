// Test rows or traffic unlike the rows trained on.
#include <algorithm>

#include "base/terminal.h"
#include "data/check_parts.h"

namespace hone::data {
namespace {

constexpr double chance_log10 = -3;
constexpr double told_share = 0.6;  // right of 100: below, the difference is real and too small to matter
constexpr double clear_share = 0.75;
constexpr std::size_t most_examples = 5;

std::string words_text(const Shift& shift) {
  std::string text;
  for (const Shift::Word& word : shift.words) {
    if (text.size() > 60) break;
    text +=
        fmt::format("{}\"{}\" ({} against {})", text.empty() ? "" : ", ", clipped(word.word, 20), word.in_a, word.in_b);
  }
  return text;
}

Finding shift_finding(const CheckInput& input, const Shift& shift, double told) {
  Finding finding;
  finding.id = "shift";
  finding.severity = told >= clear_share ? Severity::warning : Severity::note;
  finding.title = fmt::format("{} rows are unlike {} rows: told apart in {:.0f} of 100 (50 is chance).", shift.b,
                              shift.a, 100 * told);
  finding.title.front() = static_cast<char>(finding.title.front() - 'a' + 'A');
  finding.evidence = Json{{"a", shift.a},
                          {"b", shift.b},
                          {"rows", shift.rows},
                          {"told_apart", told},
                          {"log10_p", shift.log10_p},
                          {"words", Json::array()},
                          {"examples", Json::array()}};
  for (const Shift::Word& word : shift.words)
    finding.evidence["words"].push_back({{"word", word.word}, {"in_a", word.in_a}, {"in_b", word.in_b}});
  if (!shift.words.empty()) {
    finding.evidence["examples"].push_back(
        {{fmt::format("words, {} against {}", shift.a, shift.b), words_text(shift)}});
  }
  for (const Row& row : shift.strange) {
    finding.rows.push_back(row.id);
    if (finding.evidence["examples"].size() < most_examples)
      finding.evidence["examples"].push_back({{"least like " + shift.a, clipped(row.input, 80)}});
  }
  finding.suggestion = shift.b == "traffic"
                           ? "Label some of these and add them: a score on rows unlike the traffic promises little."
                           : "Find out which of the two is like real traffic, and take rows of that kind for both.";
  finding.command = shift.b == "traffic" || shift.strange.empty()
                        ? check_command(*input.task)
                        : show_command(input.task->data.test.value_or(input.task->data.train), [&] {
                            std::vector<std::size_t> lines;
                            for (const Row& row : shift.strange) lines.push_back(row.line);
                            return lines;
                          }());
  return finding;
}

}  // namespace

void check_shifts(const CheckInput& input, Findings& findings) {
  for (const Shift& shift : input.shifts) {
    const double told = share(shift.right, 2 * shift.rows);
    if (shift.log10_p <= chance_log10 && told >= told_share) findings.push_back(shift_finding(input, shift, told));
  }
}

}  // namespace hone::data
