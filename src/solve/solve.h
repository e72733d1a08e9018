// The whole loop: plan, check, split, cheap contenders, prompted contenders, fine-tune, diagnose, compare, decide,
// report, bundle.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "solve/conclude.h"
#include "solve/contenders.h"
#include "solve/plan.h"

namespace hone::solve {

struct SolveSpec {
  double budget_seconds = 0;                // 0: none
  std::optional<decide::PriceList> prices;  // none: the built-in list
  // In which the base is kept; none: as in the start before, at first f32.
  std::optional<model::Precision> precision{};
  Quiet quiet;
};

struct SolveOutcome {
  Conclusion conclusion;
  std::optional<Plan> plan;
  std::map<StageKind, double> took;  // seconds of the stages that ran in this start
  Path report;                       // HTML, <task folder>/report.html; empty where it could not be written
  Path bundle;                       // <task folder>/bundle; empty where none was made
  bool interrupted = false;
  std::optional<Error> problem;  // what kept the loop from its end, other than the user: no model, no disk
  bool target_missed = false;
};

// What a caller may show while the loop runs; each may be empty.
struct SolveHooks {
  std::function<void(const Workspace&)> on_open;
  // Before anything is computed; once more where the model had to be fetched before it could be measured.
  std::function<void(const Plan&)> on_plan;
  std::function<void(const Conclusion&, const std::string& stage)> on_table;  // after each stage
  // The end, whatever it is, before bundle and report are written: what was found is shown even where the disk is full.
  std::function<void(const SolveOutcome&)> on_conclusion;
  std::function<void(const std::string&)> on_notice;
  std::stop_token stop;
};

// Runs what is missing and reuses what is recorded: started again after an interruption it goes on where it was.
// Neither a stop nor a Failure loses what was found: every start ends with a conclusion from the contenders that are
// done. Throws Failure only where another solve holds the task, or no conclusion can be drawn at all. `workspace` must
// outlive the outcome (reports point into it).
SolveOutcome solve(Workspace& workspace, const SolveSpec& spec, const SolveHooks& hooks);

// "30s", "13m", "2h" or a number of seconds.
Result<double> parse_duration(const std::string& text);

}  // namespace hone::solve
