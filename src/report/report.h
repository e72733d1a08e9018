// What people read: the table, its plain lines, and one self-contained HTML page with plots.
#pragma once

#include <string>
#include <vector>

#include "data/finding.h"
#include "decide/decide.h"
#include "eval/compare.h"
#include "eval/contender.h"
#include "train/train.h"

namespace hone::report {

struct TrainCurve {
  std::string run;
  std::vector<train::StepEvent> steps;
  std::vector<train::Validation> validations;
};

using eval::NamedComparison;

struct ReportInput {
  const data::Task* task = nullptr;
  std::string title, made;                                 // made: UTC time
  std::vector<std::pair<std::string, std::string>> facts;  // "rows" -> "910 train, ..." ; shown at the top
  std::vector<eval::ContenderResult> contenders;           // best first
  std::vector<NamedComparison> comparisons;
  std::vector<data::Finding> findings;  // data check and diagnose
  std::vector<TrainCurve> curves;
  std::vector<std::string> known_sources;  // families also in training; other sources of test rows are unseen
  decide::Recommendation recommendation;
  std::vector<std::pair<std::string, std::string>> next_commands;  // what for, command
};

// The one table, at most 80 columns: contender, metric with interval, paired difference to the best, latency, $ per
// million.
std::string terminal_table(const ReportInput& input);
// Plain lines: "right on 94 of 100, between 91 and 96; 3 of 100 harmless ones blocked".
std::string plain_line(const eval::ContenderResult& contender, const data::Task& task);
// Recommendation, reasons, caveats, commands: wrapped to 80 columns.
std::string terminal_recommendation(const ReportInput& input);
// One HTML page: no outside resource, all text escaped, plots as inline SVG, light and dark.
std::string html_report(const ReportInput& input);

}  // namespace hone::report
