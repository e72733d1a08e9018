// The end of a solve, whatever it is: bundle, report and the commands that come next, each kept from losing the others.
#pragma once

#include "solve/local_model.h"
#include "solve/solve.h"
#include "solve/train_stage.h"

namespace hone::solve {

// What the stages left behind.
struct Finished {
  LocalModel* local = nullptr;          // null: never opened
  const TrainedRun* trained = nullptr;  // null: none
  std::string tuned_contender;          // the run that scored it
  std::vector<data::PromptVersion> versions;
};

// Fills bundle (none after an interruption), report, target_missed and the next commands of `outcome`, whose conclusion
// is drawn. What cannot be written becomes outcome.problem.
void write_results(Workspace& workspace, const SolveSpec& spec, const SolveHooks& hooks, const Finished& finished,
                   SolveOutcome& outcome);

// What 5-fold cross-validation over training and validation rows said, a fact for each contender that has it.
std::vector<std::pair<std::string, std::string>> cross_validation_facts(
    const Workspace& workspace, const std::vector<eval::ContenderResult>& contenders);

// Of the conclusion, by its name; null: none.
const eval::ContenderResult* contender_named(const Conclusion& conclusion, const std::string& name);

}  // namespace hone::solve
