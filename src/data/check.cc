#include "data/check.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/shell.h"
#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t most_rows_listed = 50;
constexpr std::size_t most_lines_shown = 10;
constexpr std::size_t few_rows = 400;

constexpr std::array disagreeing_shares = {0.05, 0.10, 0.20};

double smallest_difference(double disagreeing, std::size_t rows) {
  return std::min(1.0, 2.80 * std::sqrt(disagreeing / static_cast<double>(rows)));
}

// The rows of the side that judges: the split's, else as many as a split would give it.
std::size_t test_rows(const CheckInput& input) {
  if (input.split != nullptr) return input.split->test.size();
  if (!input.test.empty()) return input.test.size();
  const std::size_t n = input.train.size();
  auto test = static_cast<std::size_t>(std::lround(0.2 * static_cast<double>(n)));
  if (n >= 3 * least_side_rows) test = std::max(test, least_side_rows);
  return std::min(test, most_scored_rows);
}

void check_any_rows(const CheckInput& input, Findings& findings) {
  if (!input.train.empty()) return;
  const DataFiles& data = input.task->data;
  findings.push_back({"no-rows",
                      Severity::error,
                      "The training file has no usable row.",
                      Json{{"rejected", input.rejected.size()}},
                      {},
                      fmt::format("Add rows with a text in \"{}\" and its answer in \"{}\".", printable(data.input),
                                  printable(data.output)),
                      check_command(*input.task)});
}

}  // namespace

std::string check_command(const Task& task) {
  const std::string folder = task.folder.string();
  return folder.empty() || folder == "." ? "hone data check" : "hone data check " + shell_word(folder);
}

std::string show_command(const Path& file, const std::vector<std::size_t>& lines) {
  std::string script;
  for (std::size_t i = 0; i < std::min(lines.size(), most_lines_shown); ++i) {
    script += fmt::format("{}{}p", i == 0 ? "" : ";", lines[i]);
  }
  return fmt::format("sed -n '{}' {}", script, shell_word(file.string()));
}

Path file_of(const CheckInput& input, const Row& row) {
  const DataFiles& data = input.task->data;
  const auto holds = [&](const std::vector<Row>& rows) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const Row& other) { return other.line == row.line && other.id == row.id; });
  };
  if (data.test && holds(input.test)) return *data.test;
  if (data.validation && holds(input.validation)) return *data.validation;
  return data.train;
}

std::string show_rows_command(const CheckInput& input, const std::vector<const Row*>& rows) {
  HONE_CHECK(!rows.empty());
  const Path file = file_of(input, *rows.front());
  std::vector<std::size_t> lines;
  for (const Row* row : rows) {
    if (lines.size() == most_lines_shown) break;
    if (file_of(input, *row) == file) lines.push_back(row->line);
  }
  return show_command(file, lines);
}

std::string count_of(std::size_t n, const char* one, const char* many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::size_t all_rows(const CheckInput& input) {
  return input.train.size() + input.validation.size() + input.test.size();
}

// Only `source` may be absent: import refuses a file without a named input, output, id or group. Rows need no source,
// so where the name is the default one nothing is said.
void check_columns(const CheckInput& input, Findings& findings) {
  const std::string& name = input.task->data.source;
  if (input.columns.empty() || name.empty() || name == DataFiles().source) return;
  if (std::find(input.columns.begin(), input.columns.end(), name) != input.columns.end()) return;
  const std::string near = nearest_name(name, input.columns);
  findings.push_back(
      {"unknown-column",
       Severity::warning,
       fmt::format("No row has the column \"{}\" that source names: nothing is told apart by it.", clipped(name, 60)),
       Json{{"key", "source"}, {"column", name}, {"columns", input.columns}},
       {},
       near.empty() ? fmt::format("Set source in [data] to one of: {}.", name_list(input.columns, 8))
                    : fmt::format("Write source = \"{}\" in [data].", clipped(near, 60)),
       check_command(*input.task)});
}

void check_length(const CheckInput& input, Findings& findings) {
  if (!input.tokens || input.max_tokens <= 0) {
    findings.push_back({"truncation",
                        Severity::note,
                        "Not checked whether rows are too long: no model was at hand to count tokens.",
                        Json{{"checked", false}},
                        {},
                        "Fetch the base model, then check again.",
                        "hone models pull"});
    return;
  }
  // A token has a byte or more: what is short enough in bytes needs no counting.
  const auto empty_row_tokens = static_cast<std::size_t>(std::max(0, input.tokens(Row())));
  std::vector<std::string> cut;
  int longest = 0;
  for (const auto* rows : {&input.train, &input.validation, &input.test}) {
    for (const Row& row : *rows) {
      const std::size_t bytes = row.input.size() + row.output.size();
      if (bytes + empty_row_tokens <= static_cast<std::size_t>(input.max_tokens)) continue;
      const int tokens = input.tokens(row);
      longest = std::max(longest, tokens);
      if (tokens > input.max_tokens) cut.push_back(row.id);
    }
  }
  if (cut.empty()) return;
  const double part = share(cut.size(), all_rows(input));
  findings.push_back({"truncation", part > 0.01 ? Severity::warning : Severity::note,
                      fmt::format("{} longer than {} tokens: the middle of the input is cut.",
                                  count_of(cut.size(), "row is", "rows are"), input.max_tokens),
                      Json{{"checked", true},
                           {"rows", cut.size()},
                           {"share", part},
                           {"max_tokens", input.max_tokens},
                           {"longest", longest}},
                      cut, "Shorten these inputs to the part that decides the answer.", check_command(*input.task)});
}

// The comparison is made on the test side, whatever the number of rows.
void check_size(const CheckInput& input, Findings& findings) {
  if (input.train.empty()) return;
  const std::size_t rows = all_rows(input);
  const std::size_t test = test_rows(input);
  Json smallest = Json::array();
  for (const double disagreeing : disagreeing_shares) {
    if (test > 0)
      smallest.push_back({{"discordant", disagreeing}, {"difference", smallest_difference(disagreeing, test)}});
  }
  const bool is_few = rows < few_rows || test < least_side_rows;
  findings.push_back({is_few ? "too-few-rows" : "test-size",
                      is_few ? Severity::warning : Severity::note,
                      smallest_difference_text(test),
                      Json{{"rows", rows}, {"scored_rows", test}, {"smallest_difference", smallest}},
                      {},
                      is_few ? fmt::format("Collect rows: {} or more in all, of which at least {} are tested.",
                                           few_rows, least_side_rows)
                             : "Nothing to do; a smaller difference will be called not decidable.",
                      "hone solve " + shell_word(input.task->folder.empty() ? "." : input.task->folder.string())});
}

std::string smallest_difference_text(std::size_t test_rows) {
  if (test_rows == 0) return "No row is left to test on: contenders cannot be compared.";
  const auto points = [&](std::size_t i) { return 100 * smallest_difference(disagreeing_shares[i], test_rows); };
  return fmt::format(
      "With {} a difference shows from about {:.1f}, {:.1f} or {:.1f} points on, where two contenders disagree on 5, "
      "10 "
      "or 20 of 100 rows.",
      count_of(test_rows, "test row", "test rows"), points(0), points(1), points(2));
}

CheckInput check_input(const Task& task, TaskRows rows) {
  CheckInput input;
  input.task = &task;
  input.rejected = std::move(rows.rejected);
  input.columns = std::move(rows.columns);
  input.train = std::move(rows.sides.rows);
  input.validation = std::move(rows.sides.validation_rows);
  input.test = std::move(rows.sides.test_rows);
  return input;
}

std::vector<Finding> check_data(const CheckInput& input) {
  HONE_CHECK(input.task != nullptr);
  Findings findings;
  check_rejected(input, findings);
  check_any_rows(input, findings);
  check_columns(input, findings);
  const Copies copies = find_copies(input);
  check_copies(input, copies, findings);
  if (input.task->kind == Kind::classify) {
    check_conflicts(input, copies, findings);
    check_balance(input, findings);
    check_suspects(input, findings);
    check_words(input, findings);
    check_rationale(input, findings);
  }
  if (input.task->kind == Kind::json) check_values(input, findings);
  if (input.task->kind == Kind::text) check_unparsable(input, findings);
  check_length(input, findings);
  check_lengths(input, findings);
  check_templates(input, findings);
  check_shifts(input, findings);
  check_characters(input, findings);
  check_personal(input, findings);
  check_size(input, findings);
  for (Finding& finding : findings) {
    if (finding.rows.size() > most_rows_listed) finding.rows.resize(most_rows_listed);
  }
  return findings;
}

}  // namespace hone::data
