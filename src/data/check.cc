#include "data/check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "base/terminal.h"
#include "data/near_duplicates.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t most_rows_listed = 50;
constexpr std::size_t most_lines_shown = 10;
constexpr std::size_t rare_rows = 10;
constexpr std::size_t few_rows = 400;

std::string shell_word(const std::string& text) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || strchr("._-/+:,@%", c) != nullptr;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string check_command(const Task& task) {
  const std::string folder = task.folder.string();
  return folder.empty() || folder == "." ? "hone data check" : "hone data check " + shell_word(folder);
}

// A command that shows these lines of a file.
std::string show_command(const Path& file, const std::vector<std::size_t>& lines) {
  std::string script;
  for (std::size_t i = 0; i < std::min(lines.size(), most_lines_shown); ++i) {
    script += fmt::format("{}{}p", i == 0 ? "" : ";", lines[i]);
  }
  return fmt::format("sed -n '{}' {}", script, shell_word(file.string()));
}

std::vector<std::string> inputs_of(const std::vector<Row>& rows) {
  std::vector<std::string> inputs;
  for (const Row& row : rows) inputs.push_back(row.input);
  return inputs;
}

std::string count_of(std::size_t n, const char* one, const char* many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

class Checker {
 public:
  explicit Checker(const CheckInput& input) : input_(input), task_(*input.task) {}

  std::vector<Finding> run() {
    check_rejected();
    if (input_.train.empty()) {
      add({"no-rows",
           Severity::error,
           "The training file has no usable row.",
           Json{{"rejected", input_.rejected.size()}},
           {},
           "Add rows with a text in \"" + printable(task_.data.input) + "\" and its answer in \"" +
               printable(task_.data.output) + "\".",
           check_command(task_)});
    }
    check_duplicates();
    if (task_.kind == Kind::classify) {
      check_conflicts();
      check_balance();
    }
    check_leakage(input_.train, input_.test, "training", "test");
    check_leakage(input_.train, input_.validation, "training", "validation");
    check_leakage(input_.validation, input_.test, "validation", "test");
    check_length();
    check_size();
    return std::move(findings_);
  }

 private:
  void add(Finding finding) {
    if (finding.rows.size() > most_rows_listed) finding.rows.resize(most_rows_listed);
    findings_.push_back(std::move(finding));
  }

  std::size_t all_rows() const { return input_.train.size() + input_.validation.size() + input_.test.size(); }

  Path file_named(const std::string& name) const {
    for (const auto& file : {task_.data.validation, task_.data.test}) {
      if (file && file->filename() == name) return *file;
    }
    return task_.data.train;
  }

  void check_rejected() {
    std::map<std::string, std::vector<const Rejected*>> by_reason;
    for (const Rejected& rejected : input_.rejected) by_reason[rejected.reason].push_back(&rejected);
    for (const auto& [reason, rows] : by_reason) add_rejected(reason, rows);
  }

  void add_rejected(const std::string& reason, const std::vector<const Rejected*>& rejected) {
    static const std::map<std::string, std::pair<const char*, const char*>> wording = {
        {"empty", {"an empty input or output", "Fill in the missing text, or delete the row."}},
        {"unknown-label", {"a label that the task does not name", "Correct the spelling, or add the label to labels."}},
        {"too-long", {"a text that is too long", "Shorten the text to the part that matters."}},
        {"malformed", {"a form that cannot be read", "Correct the line."}},
        {"not-utf8", {"bytes that are not UTF-8", "Save the file as UTF-8."}},
        {"nul", {"a NUL character", "Remove the character."}},
        {"duplicate-key", {"the same key twice", "Keep the one that holds."}},
        {"ragged", {"the wrong number of fields", "Quote fields that hold a delimiter."}},
        {"missing-column", {"a missing column", "Add the value, or delete the row."}},
        {"wrong-type", {"an output of the wrong type", "Write the output as text."}},
        {"not-json", {"an output that is not JSON", "Correct the JSON text."}},
    };
    const auto words = wording.find(reason);
    Finding finding;
    finding.id = reason == "empty" || reason == "unknown-label" ? reason : "rejected-rows";
    const double part = share(rejected.size(), all_rows() + input_.rejected.size());
    finding.severity = part > 0.5 ? Severity::error : Severity::warning;
    finding.title =
        fmt::format("{} {} left out: {}.", count_of(rejected.size(), "row", "rows"),
                    rejected.size() == 1 ? "was" : "were", words == wording.end() ? "unreadable" : words->second.first);
    finding.evidence = Json{{"reason", reason}, {"rows", rejected.size()}, {"share", part}};
    finding.evidence["examples"] = Json::array();
    std::vector<std::size_t> lines;
    for (const Rejected* row : rejected) {
      const std::string place = fmt::format("{}:{}", row->file, row->line);
      if (finding.evidence["examples"].size() < 5) {
        finding.evidence["examples"].push_back({{"line", row->line}, {"why", row->why}});
      }
      if (row->file == rejected.front()->file) lines.push_back(row->line);
      finding.rows.push_back(place);
    }
    finding.suggestion = words == wording.end() ? "Correct the rows." : words->second.second;
    finding.command = show_command(file_named(rejected.front()->file), lines);
    add(std::move(finding));
  }

  void check_duplicates() {
    const auto groups = near_duplicate_groups(inputs_of(input_.train));
    std::set<std::string> seen;
    std::size_t exact = 0;
    std::size_t near = 0;
    std::vector<std::string> rows;
    std::vector<std::size_t> lines;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool is_new = seen.insert(canonical_text(input_.train[i].input)).second;
      if (is_new && groups[i] == i) continue;
      (is_new ? near : exact) += 1;
      rows.push_back(input_.train[i].id);
      lines.push_back(input_.train[i].line);
    }
    if (rows.empty()) return;
    const double part = share(rows.size(), input_.train.size());
    add({"duplicate", part > 0.1 ? Severity::warning : Severity::note,
         fmt::format("{} of {} training rows repeat an earlier one ({} word for word, {} nearly).", rows.size(),
                     input_.train.size(), exact, near),
         Json{{"exact", exact}, {"near", near}, {"share", part}}, rows,
         "Keep one of each unless real traffic repeats so: copies count double in training. The split keeps them on "
         "one side.",
         show_command(task_.data.train, lines)});
  }

  void check_conflicts() {
    std::unordered_map<std::string, std::vector<const Row*>> equal;
    for (const auto* rows : {&input_.train, &input_.validation, &input_.test}) {
      for (const Row& row : *rows) equal[canonical_text(row.input)].push_back(&row);
    }
    std::vector<const Row*> conflicting;
    std::size_t inputs = 0;
    for (const auto& [input, rows] : equal) {
      const bool agree =
          std::all_of(rows.begin(), rows.end(), [&](const Row* row) { return row->output == rows[0]->output; });
      if (agree) continue;
      ++inputs;
      conflicting.insert(conflicting.end(), rows.begin(), rows.end());
    }
    if (conflicting.empty()) return;
    std::sort(conflicting.begin(), conflicting.end(),
              [](const Row* a, const Row* b) { return std::pair(a->line, a->id) < std::pair(b->line, b->id); });
    std::vector<std::string> ids;
    std::vector<std::size_t> lines;
    Json examples = Json::array();
    for (const Row* row : conflicting) {
      ids.push_back(row->id);
      const bool of_train = row >= input_.train.data() && row < input_.train.data() + input_.train.size();
      if (of_train) lines.push_back(row->line);
      if (examples.size() < 6) examples.push_back({{"input", clipped(row->input, 80)}, {"output", row->output}});
    }
    const double part = share(conflicting.size(), all_rows());
    add({"conflicting-labels", part > 0.05 ? Severity::error : Severity::warning,
         fmt::format("{} with different labels: no model can get all of these rows right.",
                     count_of(inputs, "input stands there", "inputs stand there")),
         Json{{"inputs", inputs}, {"rows", conflicting.size()}, {"share", part}, {"examples", examples}}, ids,
         "Decide on one label for each input and correct the others.",
         lines.empty() ? check_command(task_) : show_command(task_.data.train, lines)});
  }

  void check_balance() {
    std::map<std::string, std::vector<const Row*>> by_label;
    for (const std::string& label : task_.labels) by_label[label];
    for (const Row& row : input_.train) by_label[row.output].push_back(&row);
    Json counts = Json::object();
    std::size_t largest = 0;
    std::size_t smallest = SIZE_MAX;
    std::string most_frequent;
    std::vector<std::string> missing;
    std::vector<std::string> rare;
    std::vector<std::string> rare_ids;
    for (const auto& [label, rows] : by_label) {
      counts[label] = rows.size();
      if (rows.size() > largest) most_frequent = label;
      largest = std::max(largest, rows.size());
      smallest = std::min(smallest, rows.size());
      if (rows.empty()) missing.push_back(label);
      if (rows.empty() || rows.size() >= rare_rows) continue;
      rare.push_back(label);
      for (const Row* row : rows) rare_ids.push_back(row->id);
    }
    if (input_.train.empty()) return;
    if (!missing.empty()) {
      add({"label-missing-in-train", Severity::error,
           fmt::format("{} no training row: {}.", count_of(missing.size(), "label has", "labels have"),
                       name_list(missing, 8)),
           Json{{"labels", missing}}, rows_labelled(missing), "Add examples of each label, or remove it from labels.",
           check_command(task_)});
    }
    if (!rare.empty()) {
      add({"rare-class", Severity::warning,
           fmt::format("{} fewer than {} training rows: {}.", count_of(rare.size(), "label has", "labels have"),
                       rare_rows, name_list(rare, 8)),
           Json{{"labels", rare}, {"least_wanted", rare_rows}}, rare_ids,
           fmt::format("Add examples until each label has at least {}; below, its score is mostly chance.", rare_rows),
           check_command(task_)});
    }
    const double part = share(largest, input_.train.size());
    const bool is_uneven = smallest > 0 && largest >= 10 * smallest;
    if (part >= 0.8 || is_uneven) {
      add({"imbalance",
           Severity::warning,
           fmt::format("\"{}\" is {:.0f} % of the training rows: always answering it would be right that often.",
                       clipped(most_frequent, 60), 100 * part),
           Json{{"majority_share", part}, {"largest", largest}, {"smallest", smallest}, {"counts", counts}},
           {},
           "Judge by macro_f1 or mcc rather than accuracy, and add rows of the rare labels.",
           check_command(task_)});
    }
  }

  std::vector<std::string> rows_labelled(const std::vector<std::string>& labels) const {
    std::vector<std::string> ids;
    for (const auto* rows : {&input_.validation, &input_.test}) {
      for (const Row& row : *rows) {
        if (std::find(labels.begin(), labels.end(), row.output) != labels.end()) ids.push_back(row.id);
      }
    }
    return ids;
  }

  void check_leakage(const std::vector<Row>& rows, const std::vector<Row>& own, const char* what, const char* of) {
    if (rows.empty() || own.empty()) return;
    const auto copies = near_duplicates_of(inputs_of(rows), inputs_of(own));
    std::set<std::size_t> copied;
    std::size_t exact = 0;
    std::vector<std::string> ids;
    Json pairs = Json::array();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!copies[i]) continue;
      const Row& original = own[*copies[i]];
      copied.insert(*copies[i]);
      exact += canonical_text(rows[i].input) == canonical_text(original.input) ? 1 : 0;
      ids.push_back(rows[i].id);
      if (pairs.size() < 5) pairs.push_back({{what, clipped(rows[i].input, 80)}, {of, clipped(original.input, 80)}});
    }
    if (ids.empty()) return;
    const double part = share(copied.size(), own.size());
    add({"leakage", part > 0.01 ? Severity::error : Severity::warning,
         fmt::format("{} of {} {} rows also stand among the {} rows ({} word for word).", copied.size(), own.size(), of,
                     what, exact),
         Json{{"of", of},
              {"among", what},
              {"rows", ids.size()},
              {"exact", exact},
              {"copied", copied.size()},
              {"share", part},
              {"examples", pairs}},
         ids,
         fmt::format(
             "Delete these {} rows: a score on rows seen before says nothing. Until then the split sets them aside.",
             what),
         check_command(task_)});
  }

  void check_length() {
    if (!input_.tokens || input_.max_tokens <= 0) {
      add({"truncation",
           Severity::note,
           "Not checked whether rows are too long: no model was at hand to count tokens.",
           Json{{"checked", false}},
           {},
           "Fetch the base model, then check again.",
           "hone models pull"});
      return;
    }
    std::vector<int> counts;
    std::vector<std::string> cut;
    int longest = 0;
    for (const auto* rows : {&input_.train, &input_.validation, &input_.test}) {
      for (const Row& row : *rows) {
        counts.push_back(input_.tokens(row));
        longest = std::max(longest, counts.back());
        if (counts.back() > input_.max_tokens) cut.push_back(row.id);
      }
    }
    if (cut.empty()) return;
    std::nth_element(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2), counts.end());
    const double part = share(cut.size(), counts.size());
    add({"truncation", part > 0.01 ? Severity::warning : Severity::note,
         fmt::format("{} longer than {} tokens: the middle of the input is cut.",
                     count_of(cut.size(), "row is", "rows are"), input_.max_tokens),
         Json{{"checked", true},
              {"rows", cut.size()},
              {"share", part},
              {"max_tokens", input_.max_tokens},
              {"longest", longest},
              {"median", counts[counts.size() / 2]}},
         cut, "Shorten these inputs to the part that decides the answer.", check_command(task_)});
  }

  // 80 % power at alpha .05: 2.80 sqrt(psi / n), psi the share of rows on which two contenders differ in being right.
  void check_size() {
    if (input_.train.empty()) return;
    const std::size_t n = input_.train.size();
    std::size_t test = input_.test.size();
    if (test == 0) {
      test = static_cast<std::size_t>(std::lround(0.2 * static_cast<double>(n)));
      if (n >= 3 * least_side_rows) test = std::max(test, least_side_rows);
      // Under 400 rows every row is scored once, by cross-validation.
      if (n < few_rows) test = n;
    }
    test = input_.test.empty() ? std::min(test, most_scored_rows) : test;
    Json smallest = Json::array();
    std::string text;
    for (const double discordant : {0.05, 0.10, 0.20}) {
      const double difference = 2.80 * std::sqrt(discordant / static_cast<double>(test));
      smallest.push_back({{"discordant", discordant}, {"difference", difference}});
      text += fmt::format("{}{:.1f}", text.empty() ? "" : ", ", 100 * difference);
    }
    const bool is_few = n < few_rows || test < least_side_rows;
    const Json evidence{{"rows", n}, {"scored_rows", test}, {"smallest_difference", smallest}};
    add({is_few ? "too-few-rows" : "test-size",
         is_few ? Severity::warning : Severity::note,
         fmt::format(
             "{} scored rows can show differences of {} points and more (where contenders differ on 5, 10, 20 % of "
             "rows).",
             test, text),
         evidence,
         {},
         is_few ? fmt::format("Collect rows: {} or more in all, of which at least {} are tested.", few_rows,
                              least_side_rows)
                : "Nothing to do; a smaller difference will be called not decidable.",
         check_command(task_)});
  }

  const CheckInput& input_;
  const Task& task_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_data(const CheckInput& input) {
  HONE_CHECK(input.task != nullptr);
  return Checker(input).run();
}

}  // namespace hone::data
