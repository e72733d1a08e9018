// Would more rows help? The plain classifier trained on parts of the training rows, and what its curve promises.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/split.h"
#include "data/task.h"
#include "eval/learning_curve.h"

namespace hone::solve {

struct CurveSpec {
  std::optional<double> rows;                          // how many rows to foretell the score of; default: twice as many
  std::optional<double> target;                        // default: the task's
  std::function<void(int done, int all)> on_training;  // may be empty
};

enum class MoreRows { would_do, would_not_do, are_not_needed, not_decidable };
const char* name_of(MoreRows verdict);  // "more rows", "more rows won't help", "target reached", "not decidable"

struct CurveReport {
  std::string metric;
  std::size_t train_rows = 0;
  std::size_t scored_rows = 0;
  std::vector<eval::CurvePoint> points;  // by rows, the last on all of them
  double rows = 0;                       // asked for
  eval::Interval at_rows;
  eval::Interval ceiling;
  std::optional<double> target;
  eval::LearningCurve::RowsFor for_target;
  MoreRows verdict = MoreRows::not_decidable;
  std::string sentence;  // the verdict in plain words
  // The label whose rows are fewest right at full size: where more rows do most.
  std::string weakest_label;
  double weakest_recall = 0;
  std::size_t weakest_rows = 0;
};

// Trains on 1/8, 1/5, 1/3, 1/2, 7/10 (several draws each) and all of the training rows and scores on the validation
// rows; test rows are not looked at. Failure (bad_input) for a task without labels or with fewer than 80 training or 50
// validation rows; Failure (interrupted) where stopped.
CurveReport learning_curve(const data::Task& task, const data::Split& split, const CurveSpec& spec,
                           const std::stop_token& stop);

// {metric, train_rows, scored_rows, points: [{rows, score, spread, repetitions}], full_score, at_rows: {rows, value,
// low, high}, ceiling, target, rows_for_target: {expected, at_best, at_worst}, verdict, sentence, weakest: {label,
// recall, rows}}
Json to_json(const CurveReport& report);

}  // namespace hone::solve
