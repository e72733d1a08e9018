// From contenders' results to the conclusion: comparisons, recommendation, report input.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"
#include "solve/workspace.h"

namespace hone::solve {

struct Conclusion {
  report::ReportInput report;  // contenders best first; `task` points into the workspace
  std::optional<eval::Comparison> primary;
  std::string best_tuned, best_untuned;  // names, by the validation metric
  std::string best;                      // name, by the validation metric, of all
};

struct ConcludeInput {
  std::vector<eval::ContenderResult> contenders;
  std::vector<data::Finding> findings;
  std::vector<report::TrainCurve> curves;
  std::vector<std::pair<std::string, std::string>> facts;
};

// One declared primary comparison: the best tuned against the best untuned contender, both chosen on validation, on the
// test rows. Every other comparison (each contender against the best) is Holm-adjusted.
Conclusion conclude(const Workspace& workspace, ConcludeInput input);

// The result's value of the task's metric on the validation (or test) rows.
double validation_metric(const eval::ContenderResult& result, const data::Task& task);

}  // namespace hone::solve
