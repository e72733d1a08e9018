// Running one contender: its answers to the validation and test rows, recorded as they come, reused when they are
// already in the store.
#pragma once

#include <functional>
#include <memory>
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
  std::vector<eval::ScoredRow> validation;  // already answered elsewhere (cross-validation): kept as they are
  Asking asking = Asking::free;
};

struct Quiet {
  bool progress = false;  // true: no progress lines
};

// Reuse key of a job: SHA-256 of the data key, the name and the spec.
std::string key_of(const Workspace& workspace, const ContenderJob& job);

// Answers every validation row (the first 100 one at a time, which gives the latency) and every test row (in batches).
// Rows answered before, in this or an interrupted start, are not asked again. Nothing when `stop` came first.
std::optional<eval::ContenderResult> run_contender(Workspace& workspace, const ContenderJob& job, std::stop_token stop,
                                                   const Quiet& quiet);

// The contenders that need no model: majority class, kNN, plain classifier; for text tasks copy and nearest output.
std::vector<ContenderJob> cheap_jobs(const Workspace& workspace);

}  // namespace hone::solve
