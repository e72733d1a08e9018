// Running one contender: its answers to the validation and test rows, recorded as they come, reused when they are
// already in the store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "eval/contender.h"
#include "prompt/prompted.h"
#include "solve/workspace.h"

namespace hone::solve {

// What asking costs. Paid: no row is asked only to warm up, each answer is recorded as it comes, and a row that got no
// answer (its failure costs nothing) is asked again at the next start.
enum class Asking { free, paid };

struct ContenderJob {
  std::string name;
  eval::ContenderKind kind = eval::ContenderKind::majority;
  Json spec;  // all its answers depend on besides task and rows: goes into the manifest and the reuse key
  // Makes the responder; called only when rows are missing.
  std::function<std::shared_ptr<text::Responder>()> make;
  std::function<text::Request(const data::Row&)> request;
  // Where rows are few: answers to all training and validation rows, each by one that was made without the row's fold.
  // Called once, when the run begins. Empty: the validation rows are answered by the contender itself.
  std::function<std::vector<eval::ScoredRow>(std::stop_token)> cross_validate;
  Asking asking = Asking::free;
  // Under 100 validation rows are asked again until the latency rests on 100 requests or so many seconds have gone.
  double most_latency_seconds = 15;
};

struct Quiet {
  bool progress = false;  // true: no progress lines
};

// Metrics of both sides, latency and mean tokens, from the result's rows and its run's recorded latencies.
void fill_figures(const Workspace& workspace, eval::ContenderResult& result);

// Reuse key of a job: SHA-256 of the data key, the name and the spec.
std::string key_of(const Workspace& workspace, const ContenderJob& job);

// Answers every validation row (the first 100 one at a time, which gives the latency) and every test row (in batches).
// Rows answered before, in this or an interrupted start, are not asked again. Nothing when `stop` came first.
// Contenders are chosen by the same validation rows, cross-validated ones included.
std::optional<eval::ContenderResult> run_contender(Workspace& workspace, const ContenderJob& job, std::stop_token stop,
                                                   const Quiet& quiet);

// The same without looking at the test rows: a later run_contender() goes on from it.
std::optional<eval::ContenderResult> validate_contender(Workspace& workspace, const ContenderJob& job,
                                                        std::stop_token stop, const Quiet& quiet);

}  // namespace hone::solve
