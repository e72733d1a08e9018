// What stands in the data more than once: in one file, on two sides, or set aside because of it.
#include <algorithm>
#include <map>
#include <set>

#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/near_duplicates.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t most_examples = 5;

// Rows of one side that nearly duplicate a row of the side they are judged on.
struct Copies {
  std::string what;  // "training"
  std::string of;    // "test"
  std::vector<std::string> ids;
  std::size_t exact = 0;
  std::size_t copied = 0;  // different rows of `of`
  std::size_t of_rows = 0;
  Json pairs = Json::array();
};

Copies copies_between(const std::vector<Row>& rows, const std::vector<Row>& judged, const char* what, const char* of) {
  Copies found{.what = what, .of = of, .ids = {}, .of_rows = judged.size()};
  if (rows.empty() || judged.empty()) return found;
  const auto originals = near_duplicates_of(inputs_of(rows), inputs_of(judged));
  std::set<std::size_t> copied;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!originals[i]) continue;
    const Row& original = judged[*originals[i]];
    copied.insert(*originals[i]);
    found.exact += canonical_text(rows[i].input) == canonical_text(original.input) ? 1 : 0;
    found.ids.push_back(rows[i].id);
    if (found.pairs.size() < most_examples) {
      found.pairs.push_back({{what, clipped(rows[i].input, 80)}, {of, clipped(original.input, 80)}});
    }
  }
  found.copied = copied.size();
  return found;
}

std::vector<Copies> between_files(const CheckInput& input) {
  return {copies_between(input.train, input.test, "training", "test"),
          copies_between(input.train, input.validation, "training", "validation"),
          copies_between(input.validation, input.test, "validation", "test")};
}

// What grouping could not keep together.
std::vector<Copies> across_split(const CheckInput& input) {
  if (input.split == nullptr) return {};
  const Split& split = *input.split;
  return {copies_between(split.train, split.test, "training", "test"),
          copies_between(split.train, split.validation, "training", "validation"),
          copies_between(split.validation, split.test, "validation", "test")};
}

Finding leakage(const Copies& copies, const std::string& title, const std::string& suggestion) {
  const double part = share(copies.copied, copies.of_rows);
  Finding finding;
  finding.id = "leakage";
  finding.severity = part > 0.01 ? Severity::error : Severity::warning;
  finding.title = title;
  finding.evidence =
      Json{{"of", copies.of},         {"among", copies.what}, {"rows", copies.ids.size()}, {"exact", copies.exact},
           {"copied", copies.copied}, {"share", part},        {"examples", copies.pairs}};
  finding.rows = copies.ids;
  finding.suggestion = suggestion;
  return finding;
}

// A training row and the earlier one that it repeats.
struct Repeat {
  std::size_t row = 0;
  std::size_t of = 0;
  bool is_exact = false;
};

std::vector<Repeat> repeats_in(const std::vector<Row>& rows) {
  const auto groups = near_duplicate_groups(inputs_of(rows));
  std::map<std::string, std::size_t> first;
  std::vector<Repeat> repeats;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto [earlier, is_new] = first.emplace(canonical_text(rows[i].input), i);
    if (!is_new) repeats.push_back({i, earlier->second, true});
    if (is_new && groups[i] != i) repeats.push_back({i, groups[i], false});
  }
  return repeats;
}

Json repeat_example(const Repeat& repeat, const std::vector<Row>& rows) {
  const Row& row = rows[repeat.row];
  const Row& earlier = rows[repeat.of];
  const std::string text = clipped(row.input, 60);
  return {{"line", row.line},
          {"why", repeat.is_exact ? fmt::format("repeats line {}: \"{}\"", earlier.line, text)
                                  : fmt::format("\"{}\" nearly repeats line {}: \"{}\"", text, earlier.line,
                                                clipped(earlier.input, 60))},
          {"id", row.id},
          {"repeats", earlier.id}};
}

void check_duplicates(const CheckInput& input, const std::vector<Copies>& across, Findings& findings) {
  const std::vector<Repeat> repeats = repeats_in(input.train);
  if (repeats.empty()) return;
  const auto exact = static_cast<std::size_t>(
      std::count_if(repeats.begin(), repeats.end(), [](const Repeat& r) { return r.is_exact; }));
  std::vector<std::string> rows;
  std::vector<std::size_t> lines;  // both of each pair
  Json examples = Json::array();
  for (const Repeat& repeat : repeats) {
    rows.push_back(input.train[repeat.row].id);
    for (const std::size_t line : {input.train[repeat.of].line, input.train[repeat.row].line}) {
      if (std::find(lines.begin(), lines.end(), line) == lines.end() && lines.size() < 2 * most_examples)
        lines.push_back(line);
    }
    if (examples.size() < most_examples) examples.push_back(repeat_example(repeat, input.train));
  }
  const bool kept_together =
      input.split != nullptr &&
      std::all_of(across.begin(), across.end(), [](const Copies& copies) { return copies.ids.empty(); });
  const double part = share(rows.size(), input.train.size());
  findings.push_back(
      {"duplicate", part > 0.1 ? Severity::warning : Severity::note,
       fmt::format("{} of {} training rows repeat an earlier one ({} word for word, {} nearly).", rows.size(),
                   input.train.size(), exact, rows.size() - exact),
       Json{{"exact", exact}, {"near", rows.size() - exact}, {"share", part}, {"examples", std::move(examples)}}, rows,
       fmt::format("Keep one of each unless real traffic repeats so: copies count double in training.{}",
                   kept_together ? " The split keeps them on one side." : ""),
       show_command(input.task->data.train, lines)});
}

void check_leakage(const CheckInput& input, const std::vector<Copies>& across, Findings& findings) {
  for (const Copies& copies : between_files(input)) {
    if (copies.ids.empty()) continue;
    findings.push_back(leakage(
        copies,
        fmt::format("{} of {} {} rows also stand among the {} rows ({} word for word).", copies.copied, copies.of_rows,
                    copies.of, copies.what, copies.exact),
        fmt::format("Delete these {} rows: a score on rows seen before says nothing. Until then the split sets them "
                    "aside.",
                    copies.what)));
    findings.back().command = check_command(*input.task);
  }
  for (const Copies& copies : across) {
    if (copies.ids.empty()) continue;
    findings.push_back(leakage(
        copies,
        fmt::format("{} of {} {} rows nearly repeat {} rows ({} word for word), and the split could not keep them on "
                    "one side.",
                    copies.copied, copies.of_rows, copies.of, copies.what, copies.exact),
        fmt::format("Delete these {} rows: a score on rows seen before says nothing.", copies.what)));
    findings.back().command = check_command(*input.task);
  }
}

void check_set_aside(const CheckInput& input, Findings& findings) {
  if (input.split == nullptr || input.split->set_aside.empty()) return;
  const auto& aside = input.split->set_aside;
  const std::string train = input.task->data.train.filename().string();
  Finding finding;
  finding.id = "set-aside";
  const double part = share(aside.size(), all_rows(input));
  finding.severity = part > 0.05 ? Severity::warning : Severity::note;
  finding.title =
      fmt::format("{} used nowhere: {} what stands on another side.", count_of(aside.size(), "row is", "rows are"),
                  aside.size() == 1 ? "it nearly repeats" : "they nearly repeat");
  finding.evidence = Json{{"rows", aside.size()}, {"share", part}, {"examples", Json::array()}};
  std::vector<std::size_t> lines;
  for (const SetAside& row : aside) {
    finding.rows.push_back(row.row.id);
    if (row.file == aside.front().file) lines.push_back(row.row.line);
    if (finding.evidence["examples"].size() >= most_examples) continue;
    Json example = {{"line", row.row.line}, {"why", why_set_aside(row)}, {"id", row.row.id}};
    if (row.file != train) example["file"] = row.file;
    finding.evidence["examples"].push_back(std::move(example));
  }
  finding.suggestion = "Nothing has to be done; delete the rows to be rid of this.";
  const bool of_train = aside.front().file == train;
  finding.command =
      show_command(of_train ? input.task->data.train : input.task->data.validation.value_or(train), lines);
  findings.push_back(std::move(finding));
}

}  // namespace

void check_copies(const CheckInput& input, Findings& findings) {
  const std::vector<Copies> across = across_split(input);
  check_duplicates(input, across, findings);
  check_leakage(input, across, findings);
  check_set_aside(input, findings);
}

}  // namespace hone::data
