// From contenders' results to the conclusion: comparisons, recommendation, report input.
#pragma once

#include <optional>
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
  std::vector<eval::ContenderResult> contenders;  // those without test rows are left out
  std::vector<data::Finding> findings;
  std::vector<report::TrainCurve> curves;
  std::vector<std::pair<std::string, std::string>> facts;
  std::optional<decide::PriceList> prices;  // none: the built-in list
};

// Contenders are put in order by the task's metric on the validation rows, which all of them answered. One declared
// primary comparison: the best tuned against the best untuned contender (decide::leaders_of), on the test rows. All
// others that are made (each contender against the best, the leaders against the floor, a much faster one) are
// Holm-adjusted. No comparison says "better" of a contender whose MCC on the validation rows is not beyond guessing:
// what is luck on the test rows is not there as well. A contender whose model made labels of test rows (Row::labels_by)
// is shown, last, and neither ranked nor compared: it would be measured by itself.
Conclusion conclude(const Workspace& workspace, ConcludeInput input);

// The result's value of the task's metric on the validation rows; 0 where it was not measured.
double validation_metric(const eval::ContenderResult& result, const data::Task& task);

// Whether the task has a target and the recommended contender's figure on the test rows lies below it.
bool misses_target(const Conclusion& conclusion);

// {contenders, comparisons: [{a_name, b_name, primary, adjusted_p, ...}], primary or null, recommendation}
Json to_json(const Conclusion& conclusion);

}  // namespace hone::solve
