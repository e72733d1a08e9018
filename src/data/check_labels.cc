// What the labels say: inputs with two, and labels too rare or too frequent.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t rare_rows = 10;

std::vector<std::string> rows_labelled(const CheckInput& input, const std::vector<std::string>& labels) {
  std::vector<std::string> ids;
  for (const auto* rows : {&input.validation, &input.test}) {
    for (const Row& row : *rows) {
      if (std::find(labels.begin(), labels.end(), row.output) != labels.end()) ids.push_back(row.id);
    }
  }
  return ids;
}

}  // namespace

void check_conflicts(const CheckInput& input, Findings& findings) {
  std::unordered_map<std::string, std::vector<const Row*>> equal;
  for (const auto* rows : {&input.train, &input.validation, &input.test}) {
    for (const Row& row : *rows) equal[canonical_text(row.input)].push_back(&row);
  }
  std::vector<const Row*> conflicting;
  std::size_t inputs = 0;
  for (const auto& [text, rows] : equal) {
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
    const bool of_train = row >= input.train.data() && row < input.train.data() + input.train.size();
    if (of_train) lines.push_back(row->line);
    if (examples.size() < 6)
      examples.push_back({{"input", clipped(row->input, 80)}, {"output", row->output}, {"id", row->id}});
  }
  const double part = share(conflicting.size(), all_rows(input));
  findings.push_back({"conflicting-labels", part > 0.05 ? Severity::error : Severity::warning,
                      fmt::format("{} with different labels: no model can get all of these rows right.",
                                  count_of(inputs, "input stands there", "inputs stand there")),
                      Json{{"inputs", inputs}, {"rows", conflicting.size()}, {"share", part}, {"examples", examples}},
                      ids, "Decide on one label for each input and correct the others.",
                      lines.empty() ? check_command(*input.task) : show_command(input.task->data.train, lines)});
}

void check_balance(const CheckInput& input, Findings& findings) {
  std::map<std::string, std::vector<const Row*>> by_label;
  for (const std::string& label : input.task->labels) by_label[label];
  for (const Row& row : input.train) by_label[row.output].push_back(&row);
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
  if (input.train.empty()) return;
  if (!missing.empty()) {
    findings.push_back({"label-missing-in-train", Severity::error,
                        fmt::format("{} no training row: {}.", count_of(missing.size(), "label has", "labels have"),
                                    name_list(missing, 8)),
                        Json{{"labels", missing}}, rows_labelled(input, missing),
                        "Add examples of each label, or remove it from labels.", check_command(*input.task)});
  }
  if (!rare.empty()) {
    findings.push_back(
        {"rare-class", Severity::warning,
         fmt::format("{} fewer than {} training rows: {}.", count_of(rare.size(), "label has", "labels have"),
                     rare_rows, name_list(rare, 8)),
         Json{{"labels", rare}, {"least_wanted", rare_rows}}, rare_ids,
         fmt::format("Add examples until each label has at least {}; below, its score is mostly chance.", rare_rows),
         check_command(*input.task)});
  }
  const double part = share(largest, input.train.size());
  const bool is_uneven = smallest > 0 && largest >= 10 * smallest;
  if (part >= 0.8 || is_uneven) {
    findings.push_back(
        {"imbalance",
         Severity::warning,
         fmt::format("\"{}\" is {:.0f} % of the training rows: always answering it would be right that often.",
                     clipped(most_frequent, 60), 100 * part),
         Json{{"majority_share", part}, {"largest", largest}, {"smallest", smallest}, {"counts", counts}},
         {},
         "Judge by macro_f1 or mcc rather than accuracy, and add rows of the rare labels.",
         check_command(*input.task)});
  }
}

}  // namespace hone::data
