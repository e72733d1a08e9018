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
  std::string answer;       // empty and failed = true where no answer came
  bool failed = false;
  std::string error;
  std::vector<std::pair<std::string, double>> label_probabilities;
  double score = 0;         // per-row: 1 if right (labels, exact), else e.g. chrF of the row
  double latency_ms = 0;
  int prompt_tokens = 0;
  int completion_tokens = 0;
};
ScoredRow score_row(const data::Row& row, const Result<text::Reply>& reply, const data::Task& task);
Json to_json(const ScoredRow& row);
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
  std::map<std::string, Interval> named;   // accuracy, macro_f1, mcc | exact, chrf
  std::vector<ClassFigures> classes;       // classify
  std::vector<std::string> confusion_labels;               // gold and answer order
  std::vector<std::vector<std::size_t>> confusion;         // [gold][answer]
  std::map<std::string, Interval> recall_by_source;        // sources with any rows; Wilson
};
// Bootstrap: 2,000 seeded resamples by group (percentile) for macro_f1 and mcc; Wilson for rates.
Metrics measure(const std::vector<ScoredRow>& rows, const data::Task& task, std::uint64_t seed);
Json to_json(const Metrics& metrics);  // {name: {value, low, high}} plus classes and confusion

// The value of one metric ("macro_f1", "accuracy", "mcc", "exact", "chrf") over rows.
double metric_value(const std::string& metric, const std::vector<const ScoredRow*>& rows, const data::Task& task);

}  // namespace hone::eval
