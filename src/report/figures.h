// What table and page both read out of a ReportInput.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/report.h"

namespace hone::report {

// The task's metric on the test rows; zero where it was not measured.
eval::Interval figure_of(const eval::ContenderResult& contender, const data::Task& task);
// Contender minus the first one, row by row: from the comparisons given, else computed; none for the first one itself
// or where the rows don't match.
std::optional<eval::Interval> difference_to_best(const ReportInput& input, const eval::ContenderResult& contender);
// The best tuned and the best of the others (majority class and copying left out), in that order; either may be
// missing.
std::vector<const eval::ContenderResult*> leaders(const ReportInput& input);
// The headline without the verdict that it begins with: "Fine-tune: it is ..." -> "It is ...".
std::string headline_after_verdict(const decide::Recommendation& recommendation);
// "94", or "99.6" where whole numbers would say 0 or 100 of something that is not; of 100.
std::string of_hundred(double share);
// Answers of the positive label among rows of other labels, and other answers among rows of the positive label.
struct Alarms {
  std::size_t false_alarms = 0, harmless = 0;
  std::size_t missed = 0, harmful = 0;
};
std::optional<Alarms> alarms_of(const eval::ContenderResult& contender, const data::Task& task);
// The two as shares with their intervals, in the words that fit the label: "harmless ones blocked" where it is one to
// be kept out, "other ones taken for refund" else. Empty without a positive label.
struct AlarmFigure {
  eval::Interval share;  // Wilson
  std::size_t of = 0;
  std::string what;
};
std::vector<AlarmFigure> alarm_figures(const eval::ContenderResult& contender, const data::Task& task);
// "between 91 and 96", of 100.
std::string between_text(const eval::Interval& share);

}  // namespace hone::report
