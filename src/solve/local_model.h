// The local base model as the stages use it: opened once, with what it was measured to do on this machine.
#pragma once

#include <memory>
#include <string>

#include "generate/generate.h"
#include "model/model.h"
#include "solve/workspace.h"

namespace hone::solve {

struct LocalModel {
  std::unique_ptr<tensor::Exec> exec;
  model::Model model;
  generate::LocalOptions options;
};

// Opens the task's base model. A model that is not in the cache is a Failure naming `hone models pull`.
LocalModel open_local_model(const Workspace& workspace);

// Training and validation rows as ids with a loss mask. Rows that cannot be encoded are left out and named in
// `notices`.
struct EncodedRows {
  std::vector<data::Example> examples;
  std::vector<std::string> notices;
  double mean_tokens = 0;  // prompt and answer
};
EncodedRows encode_rows(const LocalModel& local, const Workspace& workspace, const std::vector<data::Row>& rows);

// Tokens a second on this machine, from one forward pass and one training step over real rows.
struct Rates {
  double prefill = 0;
  double train = 0;
};
Rates measure_rates(LocalModel& local, const std::vector<data::Example>& examples);

}  // namespace hone::solve
