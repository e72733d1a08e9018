// Scored rows and the metrics over them, each with an interval.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "data/row.h"
#include "data/task.h"
#include "text/message.h"

namespace hone::eval {

struct ScoredRow {
  std::string id;
  std::string group;
  std::string source;
  std::string gold;
  std::string answer;  // empty and failed = true where no answer came
  bool failed = false;
  std::string error;
  std::vector<std::pair<std::string, double>> label_probabilities;
  double score = 0;  // per-row: 1 if right (labels, exact), else e.g. chrF of the row
  double latency_ms = 0;
  int prompt_tokens = 0;
  int completion_tokens = 0;
};
// Scores one reply. Labels are compared exactly after trimming; json by value (key order and 1 against 1.0 do not
// matter; lists of labels as sets); text exactly after trimming, or by the row's chrF where that is the task's metric.
// An error becomes a failed row.
ScoredRow score_row(const data::Row& row, const Result<text::Reply>& reply, const data::Task& task);
// Whether the answer is the gold one, by the task's kind. A failed row is wrong.
bool is_right(const ScoredRow& row, const data::Task& task);
// One object with every field; label_probabilities as {label: probability} in order.
Json to_json(const ScoredRow& row);
// The inverse; unknown keys are ignored, a missing id or a wrong type is an error that names the key.
Result<ScoredRow> scored_row_from_json(const Json& json);

struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

struct ClassFigures {
  std::string label;
  std::size_t support = 0;   // gold rows
  std::size_t answered = 0;  // rows answered with it
  Interval precision, recall;
  double f1 = 0;
};

struct Metrics {
  std::size_t n = 0;
  std::size_t failed = 0;
  std::map<std::string, Interval> named;             // accuracy, macro_f1, mcc, ... | exact, chrf, ...
  std::vector<ClassFigures> classes;                 // classify
  std::vector<std::string> confusion_labels;         // gold and answer order
  std::vector<std::vector<std::size_t>> confusion;   // [gold][answer]
  std::map<std::string, Interval> recall_by_source;  // sources with any rows; Wilson
};
// Bootstrap: 2,000 seeded resamples by group (percentile) for macro_f1, mcc and chrf; Wilson for rates. A failed row
// counts as wrong. Answers that are no class (failed, "abstain", unlisted text) add to no class's answers, so they
// lower recall only; the confusion table shows them in columns of their own ("(no answer)", "abstain", "(other)").
Metrics measure(const std::vector<ScoredRow>& rows, const data::Task& task, std::uint64_t seed);
// Both of the below in one: {n, failed, classes, confusion: {labels, counts}, recall_by_source, name: {value, low,
// high}...}
Json to_json(const Metrics& metrics);
// Only {name: {value, low, high}}: the "metrics" of the machine interface.
Json named_json(const Metrics& metrics);
// {n, failed, classes, confusion, recall_by_source}: what stands beside "metrics" in the machine interface.
Json detail_json(const Metrics& metrics);
Json to_json(const Interval& interval);

// The value of one metric over rows, 0..1 (mcc -1..1); 0 without rows.
//   accuracy, exact: right / n.
//   macro_f1: mean over classes of 2 tp / (gold + answered); a class absent from gold and answers is left out, one
//   absent from
//     either counts 0.
//   mcc: Gorodkin's R_K (2004), 0 where its denominator is 0.
//   qwk: quadratic weighted kappa over the grades of an ordered task (Cohen 1968), 0 where all rows are of one grade.
//   within_one: rows at most one grade off / n.
//   field_f1, label_f1: 2 right / (answered + wanted), over fields (field_counts.h) or labels of all rows together;
//   label_macro_f1: macro_f1 over the labels of lists.
//   chrf: corpus chrF2 as sacrebleu computes it (Popovic 2015): character 1..6-grams without whitespace, beta 2.
// An unknown name is a Failure (usage).
double metric_value(const std::string& metric, const std::vector<const ScoredRow*>& rows, const data::Task& task);

}  // namespace hone::eval
