// What the labels say: inputs with two, and labels too rare or too frequent.
#include <algorithm>
#include <map>
#include <set>

#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t rare_rows = 10;
constexpr double near_identical = 0.9;  // Jaccard similarity of inputs that say the same
constexpr double slip_grams = 12;  // and at most so many grams apart: two words of a long text may change its sense

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

void check_conflicts(const CheckInput& input, const Copies& copies, Findings& findings) {
  std::map<const Row*, const Row*> conflicting;  // to a row with another label
  std::size_t near = 0;                          // pairs that differ by a slip of the pen
  for (const CopyPair& pair : copies.pairs) {
    const bool is_same = pair.likeness == Likeness::identical;
    const bool is_close = pair.likeness == Likeness::near && pair.jaccard >= near_identical &&
                          (1 - pair.jaccard) * static_cast<double>(pair.row->input.size()) <= slip_grams;
    if ((!is_same && !is_close) || pair.row->output == pair.of->output) continue;
    conflicting.emplace(pair.row, pair.of);
    conflicting.emplace(pair.of, pair.row);
    if (!is_same) ++near;
  }
  if (conflicting.empty()) return;
  std::vector<const Row*> rows;
  std::set<std::string> inputs;
  for (const auto& [row, other] : conflicting) {
    rows.push_back(row);
    inputs.insert(folded_text(row->input));
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row* a, const Row* b) { return std::pair(a->line, a->id) < std::pair(b->line, b->id); });
  std::vector<std::string> ids;
  Json examples = Json::array();
  for (const Row* row : rows) {
    ids.push_back(row->id);
    if (examples.size() < 6)
      examples.push_back({{"input", clipped(row->input, 80)}, {"output", row->output}, {"id", row->id}});
  }
  const double part = share(rows.size(), all_rows(input));
  findings.push_back({"conflicting-labels", part > 0.05 ? Severity::error : Severity::warning,
                      fmt::format("{} with different labels: no model can get all of these rows right.",
                                  count_of(inputs.size(), "input stands there", "inputs stand there")),
                      Json{{"inputs", inputs.size()},
                           {"near_pairs", near},
                           {"rows", rows.size()},
                           {"share", part},
                           {"examples", examples}},
                      ids, "Decide on one label for each input and correct the others.",
                      show_rows_command(input, rows)});
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
