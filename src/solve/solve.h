// The whole loop: check, split, cheap contenders, prompted contenders, fine-tune, diagnose, compare, decide, report,
// bundle.
#pragma once

#include <functional>
#include <string>

#include "solve/conclude.h"
#include "solve/contenders.h"
#include "solve/plan.h"

namespace hone::solve {

struct SolveSpec {
  Path task;                  // folder or hone.toml
  double budget_seconds = 0;  // 0: none
  Quiet quiet;
};

// What a caller may show while the loop runs; each may be empty.
struct SolveHooks {
  std::function<void(const Workspace&)> on_open;
  std::function<void(const Plan&, const Rates&)> on_plan;
  std::function<void(const Conclusion&, const std::string& stage)> on_table;  // after each stage
  std::function<void(const std::string&)> on_notice;
  std::stop_token stop;
};

struct SolveOutcome {
  Conclusion conclusion;
  Path report;  // HTML, <task folder>/report.html
  Path bundle;  // empty when interrupted before any contender was done
  bool interrupted = false;
  bool target_missed = false;
};

// Runs what is missing and reuses what is recorded: started again after an interruption it goes on where it was.
// `workspace` must be the opened task and outlive the outcome (reports point into it).
SolveOutcome solve(Workspace& workspace, const SolveSpec& spec, const SolveHooks& hooks);

// "30s", "13m", "2h" or a number of seconds.
Result<double> parse_duration(const std::string& text);

}  // namespace hone::solve
