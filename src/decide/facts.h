// What the rules of the recommendation read, and how they say it.
#pragma once

#include <string>

#include "decide/decide.h"

namespace hone::decide {

struct Facts {
  const DecisionInput* input = nullptr;
  const data::Task* task = nullptr;
  const eval::ContenderResult* tuned = nullptr;    // the best of the tuned
  const eval::ContenderResult* untuned = nullptr;  // the best of all others
  const eval::ContenderResult* floor = nullptr;    // majority class, or copying the input: what takes no skill
  bool beats_floor = true;                         // one of the two does
};
Facts facts_of(const DecisionInput& input);

const eval::ContenderResult* contender_named(const DecisionInput& input, const std::string& name);  // null: none
// The task's metric on the test rows; zeros where it was not measured.
const eval::Interval& figure(const eval::ContenderResult& contender, const data::Task& task);
bool is_floor(const eval::ContenderResult& contender);
// Whether its p95 is over the task's limit. False without a limit or without a measurement.
bool too_slow(const eval::ContenderResult& contender, const data::Task& task);
// The leader that comes first by validation.
const eval::ContenderResult* best_of(const Facts& facts);
// The best untuned contender by validation, floor left out, whose p50 is a tenth of the best untuned one's or less and
// which keeps the latency limit; null: none.
const eval::ContenderResult* faster_candidate(const Facts& facts);
// The reported comparison of the two, in this order; none where it was not made.
std::optional<eval::Comparison> compared(const DecisionInput& input, const std::string& a, const std::string& b);

// The smallest difference that the test rows can show with 80 % power: 2.80 standard errors of the leaders' difference,
// read from its interval, and for shares of rows at least what a disagreement on 5 % of the groups would allow.
double smallest_shown(const Facts& facts);

// "plain classifier scores 85.0 (81.2 to 88.1) in macro-F1"
std::string scored(const eval::ContenderResult& contender, const Facts& facts);
// "2.3 points better than X (95 %: between 0.8 and 3.9)"; where the verdict is neither better nor worse, "2.3 points
// ahead of X, somewhere from 0.5 behind to 8.1 ahead (95 %)".
std::string difference_text(const eval::Comparison& comparison, const std::string& other);
// The tuned leader's figure and its difference to the untuned one. Needs both and the primary comparison, as the next
// does.
std::string primary_text(const Facts& facts);
// On how many rows each of the two alone is right.
std::string rights_text(const Facts& facts);
// What the test rows can show, once: "The two differ on 9 of 60 test rows; so many rows show differences of about 14.3
// points or more." Where no two leaders were compared: at best, where two contenders differ on 5 of 100 rows.
std::string smallest_text(const Facts& facts);

}  // namespace hone::decide
