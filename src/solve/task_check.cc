#include "solve/task_check.h"

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "classic/classic.h"
#include "data/label_names.h"
#include "data/normal_text.h"
#include "eval/significance.h"
#include "solve/label_pairs.h"

namespace hone::solve {
namespace {

constexpr std::size_t most_neighbour_rows = 3000;
constexpr int neighbours_looked_at = 20;  // copies of the row itself are passed over
constexpr std::size_t most_pairs = 10;    // beyond those that are one
constexpr std::size_t most_names = 8;
constexpr std::size_t most_pair_findings = 10;
constexpr double told_apart = 0.9;  // names alone then matter little

eval::ScoredRow scored(const data::Row& row, std::string answer) {
  eval::ScoredRow result;
  result.id = row.id;
  result.group = row.group;
  result.gold = row.output;
  result.answer = std::move(answer);
  result.score = result.answer == result.gold ? 1 : 0;
  return result;
}

eval::Metrics classifier_metrics(const data::Task& task, const data::OutOfFold& answers) {
  std::vector<eval::ScoredRow> rows;
  for (std::size_t i = 0; i < answers.rows.size(); ++i) {
    rows.push_back(scored(answers.rows[i], answers.labels[data::best_label(answers.probabilities[i])]));
  }
  return eval::measure(rows, task, task.seed);
}

// Rows with the lowest hashes, at most so many.
std::vector<std::size_t> sampled(const data::OutOfFold& answers, std::uint64_t seed) {
  std::vector<std::size_t> order(answers.rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (order.size() <= most_neighbour_rows) return order;
  std::vector<std::uint64_t> hashes;
  for (const data::Row& row : answers.rows) hashes.push_back(hash64(row.id, seed));
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::pair(hashes[a], a) < std::pair(hashes[b], b); });
  order.resize(most_neighbour_rows);
  return order;
}

// A row without any similar one counts as unanswered, which is wrong.
eval::Metrics neighbour_metrics(const data::Task& task, const data::OutOfFold& answers) {
  const classic::Bm25Index index(answers.rows);
  std::vector<eval::ScoredRow> rows;
  for (const std::size_t i : sampled(answers, task.seed)) {
    const data::Row& row = answers.rows[i];
    const auto hits = index.nearest(row.input, neighbours_looked_at);
    const auto other = std::find_if(hits.begin(), hits.end(), [&](const auto& hit) {
      return hit.row != i && (row.group.empty() || answers.rows[hit.row].group != row.group);
    });
    rows.push_back(scored(row, other == hits.end() ? std::string() : answers.rows[other->row].output));
    rows.back().failed = other == hits.end();
  }
  return eval::measure(rows, task, task.seed);
}

void count_labels(const data::OutOfFold& answers, TaskCheck& check) {
  std::vector<double> counts(answers.labels.size(), 0);
  for (const std::size_t given : answers.given) ++counts[given];
  for (const double count : counts) {
    const double share = count / static_cast<double>(answers.given.size());
    check.majority = std::max(check.majority, share);
    check.neighbours_by_chance += share * share;
  }
}

std::string command_for(const char* command, const data::Task& task) {
  const std::string folder = task.folder.string();
  return fmt::format("hone data {}{}", command, folder.empty() || folder == "." ? "" : " " + shell_word(folder));
}

std::vector<std::string> names_of(const data::Task& task, const std::vector<std::size_t>& places) {
  std::vector<std::string> names;
  for (const std::size_t i : places) names.push_back(task.labels[i]);
  return names;
}

data::Finding silent_finding(const data::Task& task, const std::vector<std::size_t>& silent) {
  const std::vector<std::string> names = names_of(task, silent);
  return {"silent-label-names",
          data::Severity::warning,
          fmt::format("{} that {} nothing: {}.", silent.size() == 1 ? "A label has a name" : "Labels have names",
                      silent.size() == 1 ? "says" : "say", data::name_list(names, most_names)),
          Json{{"labels", names}},
          {},
          "Give labels names that say what they are, or explain each in the instruction (\"A: ...\"): a prompted "
          "model has nothing else to go by.",
          command_for("task", task)};
}

data::Finding unnamed_finding(const data::Task& task, const std::vector<std::size_t>& unnamed) {
  const std::vector<std::string> names = names_of(task, unnamed);
  return {"unnamed-labels",
          task.list_labels ? data::Severity::note : data::Severity::warning,
          fmt::format("The instruction does not mention {} of the {} labels: {}.", unnamed.size(), task.labels.size(),
                      data::name_list(names, most_names)),
          Json{{"labels", names}, {"listed_in_prompt", task.list_labels}},
          {},
          task.list_labels ? "Prompts list them by name; say in the instruction when to choose which, above all where "
                             "names alone leave doubt."
                           : "Name them in the instruction, or take list_labels = false out of the task: a prompted "
                             "model cannot know them.",
          command_for("task", task)};
}

const LabelPair* find_pair(const std::vector<LabelPair>& pairs, const data::NamePair& names) {
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [&](const LabelPair& pair) { return pair.a == names.a && pair.b == names.b; });
  return found == pairs.end() ? nullptr : &*found;
}

// One finding for all pairs of names; a warning where the rows do not tell some of them well apart.
void add_overlaps(const data::Task& task, const std::vector<LabelPair>& pairs, std::vector<data::Finding>& findings) {
  const auto overlaps = data::overlapping_labels(task.labels);
  if (overlaps.empty()) return;
  data::Finding finding{.id = "overlapping-label-names",
                        .severity = data::Severity::note,
                        .title = {},
                        .evidence = Json{{"pairs", Json::array()}},
                        .rows = {},
                        .suggestion = {},
                        .command = {}};
  std::vector<std::string> shown;
  for (const data::NamePair& names : overlaps) {
    const LabelPair* pair = find_pair(pairs, names);
    const bool is_doubtful = pair != nullptr && pair->separation.value < told_apart;
    if (is_doubtful) finding.severity = data::Severity::warning;
    finding.evidence["pairs"].push_back({{"a", task.labels[names.a]},
                                         {"b", task.labels[names.b]},
                                         {"why", names.why},
                                         {"separation", pair != nullptr ? Json(pair->separation.value) : Json()}});
    const std::string text =
        fmt::format("{} and {}", clipped(task.labels[names.a], 40), clipped(task.labels[names.b], 40));
    shown.insert(is_doubtful ? shown.begin() : shown.end(), text);
  }
  finding.title = fmt::format("{} of label names may be taken for each other: {}.",
                              overlaps.size() == 1 ? "A pair" : fmt::format("{} pairs", overlaps.size()),
                              data::name_list(shown, 4));
  finding.suggestion =
      finding.severity == data::Severity::note
          ? "The rows tell them apart; say in the instruction what sets them apart, for prompted models."
          : "Say in the instruction what sets them apart, or make one label of them.";
  finding.command = command_for("task", task);
  findings.push_back(std::move(finding));
}

data::Finding pair_finding(const data::Task& task, const data::OutOfFold& answers, const LabelPair& pair) {
  const std::string a = clipped(answers.labels[pair.a], 40);
  const std::string b = clipped(answers.labels[pair.b], 40);
  data::Finding finding{.id = "labels-not-told-apart",
                        .severity = data::Severity::error,
                        .title = {},
                        .evidence = {},
                        .rows = {},
                        .suggestion = {},
                        .command = {}};
  finding.title = fmt::format(
      "The rows do not tell {} from {}: shown one of each, a classifier picks the right one in {:.0f} of 100 cases; "
      "guessing gives 50.",
      a, b, 100 * pair.separation.value);
  Json examples = Json::array();
  for (const auto& [i, j] : pair.alike) {
    examples.push_back({{a, clipped(answers.rows[i].input, 100)}, {b, clipped(answers.rows[j].input, 100)}});
    finding.rows.push_back(answers.rows[i].id);
    finding.rows.push_back(answers.rows[j].id);
  }
  finding.evidence = Json{{"a", answers.labels[pair.a]},
                          {"b", answers.labels[pair.b]},
                          {"rows_a", pair.rows_a},
                          {"rows_b", pair.rows_b},
                          {"separation", eval::to_json(pair.separation)},
                          {"adjusted_p", pair.adjusted_p},
                          {"examples", std::move(examples)}};
  finding.suggestion =
      "Make one label of them; or say in the instruction what sets them apart and label their rows by it.";
  finding.command = command_for("review", task);
  return finding;
}

void add_reader_finding(const data::Task& task, const TaskCheck& check, std::vector<data::Finding>& findings) {
  if (!check.reader || eval::beyond_guessing(*check.reader)) return;
  findings.push_back(
      {"reader-guesses",
       data::Severity::note,
       fmt::format("A model given only the instruction answers {} rows no better than a guesser.", check.reader->n),
       Json{{"metrics", eval::named_json(*check.reader)}},
       {},
       "Say in the instruction how to tell the labels apart, or ask a larger model: this one may be too "
       "small to follow it.",
       command_for("task", task) + " --reader MODEL"});
}

Json pair_json(const LabelPair& pair, const data::OutOfFold& answers) {
  Json alike = Json::array();
  for (const auto& [i, j] : pair.alike) alike.push_back({answers.rows[i].id, answers.rows[j].id});
  return {{"a", answers.labels[pair.a]},
          {"b", answers.labels[pair.b]},
          {"rows_a", pair.rows_a},
          {"rows_b", pair.rows_b},
          {"separation", eval::to_json(pair.separation)},
          {"p", pair.p},
          {"adjusted_p", pair.adjusted_p},
          {"is_one", pair.is_one},
          {"alike", std::move(alike)}};
}

Json metrics_json(const eval::Metrics& metrics) { return {{"n", metrics.n}, {"metrics", eval::named_json(metrics)}}; }

}  // namespace

const char* name_of(TaskVerdict verdict) {
  switch (verdict) {
    case TaskVerdict::clear:
      return "clear";
    case TaskVerdict::ambiguous:
      return "ambiguous";
    case TaskVerdict::not_learnable:
      return "not-learnable";
  }
  HONE_CHECK(false);
}

std::vector<data::Finding> check_names(const data::Task& task, const std::vector<LabelPair>& pairs) {
  std::vector<data::Finding> findings;
  if (const auto silent = data::silent_labels(task); !silent.empty()) findings.push_back(silent_finding(task, silent));
  add_overlaps(task, pairs, findings);
  if (const auto unnamed = data::unnamed_labels(task); !unnamed.empty()) {
    findings.push_back(unnamed_finding(task, unnamed));
  }
  return findings;
}

TaskCheck check_task(const data::Task& task, const data::OutOfFold& answers,
                     const std::vector<eval::ScoredRow>& reader) {
  TaskCheck check;
  count_labels(answers, check);
  check.classifier = classifier_metrics(task, answers);
  check.neighbours = neighbour_metrics(task, answers);
  if (!reader.empty()) check.reader = eval::measure(reader, task, task.seed);
  check.pairs = label_pairs(answers);
  check.findings = check_names(task, check.pairs);
  const auto one = static_cast<std::size_t>(
      std::count_if(check.pairs.begin(), check.pairs.end(), [](const LabelPair& pair) { return pair.is_one; }));
  const bool is_learnable = eval::beyond_guessing(check.classifier) || eval::beyond_guessing(check.neighbours) ||
                            (check.reader && eval::beyond_guessing(*check.reader));
  check.verdict = !is_learnable ? TaskVerdict::not_learnable : one > 0 ? TaskVerdict::ambiguous : TaskVerdict::clear;
  // Where nothing is learnt no pair is told apart, and naming them all would say nothing.
  if (is_learnable) {
    for (std::size_t i = 0; i < std::min(one, most_pair_findings); ++i) {
      check.findings.push_back(pair_finding(task, answers, check.pairs[i]));
    }
  }
  add_reader_finding(task, check, check.findings);
  check.pairs.resize(std::min(check.pairs.size(), one + most_pairs));
  std::stable_sort(check.findings.begin(), check.findings.end(),
                   [](const auto& a, const auto& b) { return a.severity > b.severity; });
  return check;
}

Json to_json(const TaskCheck& check, const data::OutOfFold& answers) {
  Json pairs = Json::array();
  for (const LabelPair& pair : check.pairs) pairs.push_back(pair_json(pair, answers));
  Json findings = Json::array();
  for (const data::Finding& finding : check.findings) findings.push_back(data::to_json(finding));
  Json neighbours = metrics_json(check.neighbours);
  neighbours["by_chance"] = check.neighbours_by_chance;
  return {{"verdict", name_of(check.verdict)},
          {"rows", answers.rows.size()},
          {"left_out", answers.left_out},
          {"majority", check.majority},
          {"classifier", metrics_json(check.classifier)},
          {"neighbours", std::move(neighbours)},
          {"reader", check.reader ? metrics_json(*check.reader) : Json()},
          {"pairs", std::move(pairs)},
          {"findings", std::move(findings)}};
}

}  // namespace hone::solve
