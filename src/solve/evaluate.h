// Scoring anything that answers: a bundle, a run's adapter, or a base model prompted with the task.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "generate/bundle.h"
#include "solve/contenders.h"
#include "solve/local_model.h"

namespace hone::solve {

// Something that answers bare inputs, opened from MODEL as the command line takes it.
class Answerer {
 public:
  // A bundle folder; a run id of the task's store; else a model, prompted zero-shot with the task's instruction. `task`
  // may be null for a bundle. Throws Failure.
  static std::unique_ptr<Answerer> open(const std::string& model, const data::Task* task);
  ~Answerer();
  // Labels come from the task; `base_answer` carries max_tokens, logprobs, sampling.
  void answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer, const text::OnReply& on_reply,
              std::stop_token stop);
  const data::Task& task() const;
  // What the manifest says of it: {"bundle": ...} or {"run": ...} or {"model": ..., "sha256": ...}.
  Json identity() const;

 private:
  struct State;
  explicit Answerer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct EvalSpec {
  std::string model;
  Path data;
  Path task;  // hone.toml or its folder; may be empty for a bundle
  Quiet quiet;
};

struct EvalOutcome {
  std::string run;  // empty where there is no store (a bundle without its task)
  std::vector<eval::ScoredRow> rows;
  eval::Metrics metrics;
  std::string metric;  // the task's
  std::vector<data::Rejected> rejected;
  Path rows_file;
};

// Scores every row of `data`, records the run in the task's store, writes the scored rows as JSONL.
EvalOutcome evaluate(const EvalSpec& spec, std::stop_token stop);

}  // namespace hone::solve
