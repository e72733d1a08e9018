// Scoring a file of rows with anything that answers, recorded as a run.
#pragma once

#include <stop_token>
#include <string>

#include "eval/score.h"
#include "solve/answerer.h"
#include "solve/contenders.h"

namespace hone::solve {

struct EvalSpec {
  std::string model;
  std::string base{};  // of an adapter folder; empty: as its config names it
  Path data;
  Path task;  // hone.toml or its folder; empty: the working folder's, which a bundle can do without
  Quiet quiet;
  std::optional<model::Precision> precision{};  // of a bare model; none: as resolve_model() chooses
  bool constrain = true;                        // false: answers are not held to the task's schema
};

struct EvalOutcome {
  std::string run;  // empty where there is no store (a bundle without its task)
  data::Task task;
  std::vector<eval::ScoredRow> rows;
  eval::Metrics metrics;
  std::vector<std::string> notices;
  std::vector<data::Rejected> rejected;
  // How many of the rows stand, word for word, among those that the contender learned from: the training side of its
  // task, as far as that is at hand. A score on them says nothing about new rows.
  std::size_t learned_rows = 0;
  Path rows_file;  // the scored rows, JSONL
  bool interrupted = false;
};

// Scores every row of `data`: in the task's store as the answers come, and at the end as a file. Without a task the
// file lies beside the data, or in the working folder where that cannot be written. Throws Failure.
EvalOutcome evaluate(const EvalSpec& spec, std::stop_token stop);

}  // namespace hone::solve
