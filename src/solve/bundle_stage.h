// Writes the bundle of one contender.
#pragma once

#include "solve/contenders.h"
#include "solve/local_model.h"
#include "solve/train_stage.h"

namespace hone::solve {

struct BundleInput {
  const eval::ContenderResult* contender = nullptr;
  data::PromptVersion prompt;           // of prompted kinds
  const TrainedRun* trained = nullptr;  // of the tuned kind
  LocalModel* local = nullptr;          // of kinds that need the base model
};

// False for what does not run here: a model behind an API.
bool can_be_bundled(const eval::ContenderResult& contender);

// Writes <task folder>/bundle (an older one is replaced). Returns its path.
Path write_contender_bundle(const Workspace& workspace, const BundleInput& input, std::stop_token stop);

}  // namespace hone::solve
