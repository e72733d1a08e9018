// Is the task defined? What label names, near neighbours, a plain classifier and a reader of the instruction say of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/finding.h"
#include "data/out_of_fold.h"
#include "data/task.h"
#include "eval/score.h"

namespace hone::solve {

// Two labels, and how well a classifier that saw neither row tells a row of the one from a row of the other.
struct LabelPair {
  std::size_t a = 0, b = 0;  // places in OutOfFold::labels
  std::size_t rows_a = 0, rows_b = 0;
  eval::Interval separation;  // eval/separation.h: of p_a / (p_a + p_b); .5 is guessing
  double p = 1;               // that it is as low, were the true one least_separation
  double adjusted_p = 1;      // Holm over all pairs
  bool is_one = false;        // adjusted_p <= .05: the rows tell them apart worse than least_separation
  // A row of a and the row of b that it most resembles, by place in OutOfFold::rows; for pairs that are one.
  std::vector<std::pair<std::size_t, std::size_t>> alike;
};

// Two labels that mean different things are told apart better than this even by a plain classifier.
inline constexpr double least_separation = 0.75;
// Labels with fewer rows are in no pair: the error of a separation is not known well enough.
inline constexpr std::size_t least_pair_rows = 20;

enum class TaskVerdict { clear, ambiguous, not_learnable };
const char* name_of(TaskVerdict verdict);  // "clear", "ambiguous", "not-learnable"

struct TaskCheck {
  TaskVerdict verdict = TaskVerdict::clear;
  double majority = 0;       // share of the most frequent label
  eval::Metrics classifier;  // out of fold
  eval::Metrics neighbours;  // each of at most 3,000 rows "answered" with the label of the most similar other row
  double neighbours_by_chance = 0;  // agreement of two rows drawn at random
  std::optional<eval::Metrics> reader;
  std::vector<LabelPair> pairs;  // the worst told apart first; at least those that are one, and the next few
  std::vector<data::Finding> findings;
};

// `answers` are those of a plain classifier out of fold (classic/out_of_fold.h) to the rows of a classify task;
// `reader` the scored answers of a model that was given the instruction alone, to some of the rows (empty: none was
// asked).
//
// not learnable: neither the classifier, nor the neighbours, nor the reader is beyond guessing (eval::beyond_guessing).
// ambiguous: some pair of labels is one. clear: else. The other findings change no verdict.
TaskCheck check_task(const data::Task& task, const data::OutOfFold& answers,
                     const std::vector<eval::ScoredRow>& reader);

// The findings that need no rows: names that say nothing, overlapping names, labels that the instruction leaves out.
// `pairs` (may be empty) says which overlapping names the rows tell apart.
std::vector<data::Finding> check_names(const data::Task& task, const std::vector<LabelPair>& pairs);

// {verdict, rows, majority, classifier, neighbours, reader, pairs, findings} (docs/schemas/data_task.json).
Json to_json(const TaskCheck& check, const data::OutOfFold& answers);

}  // namespace hone::solve
