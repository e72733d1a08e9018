// The local base model as the stages use it: fetched where it is missing, opened once, with what it was measured to do
// on this machine.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "generate/generate.h"
#include "model/catalogue.h"
#include "model/model.h"
#include "solve/workspace.h"
#include "train/train.h"

namespace hone::solve {

struct LocalModel {
  std::unique_ptr<tensor::Exec> exec;
  model::Model model;
  generate::LocalOptions options;
  // Of a free text answer, in tokens: half as long again as the longest training answer, and 16. 0 where the task has
  // labels.
  int most_answer_tokens = 0;
};

// The task's base model where it is one of the catalogue that is not on this machine; else null.
const model::CatalogueEntry* missing_model(const data::Task& task);

// Opens the task's base model on workspace.threads threads. One that is not in the cache is a Failure naming `hone
// models pull`.
LocalModel open_local_model(const Workspace& workspace, model::Precision precision = model::Precision::f32);

// What decides the base's answers: the SHA-256 of its files, with the precision where that is not f32.
std::string base_identity(const model::Model& model);

// Training and validation rows as ids with a loss mask. Rows that cannot be encoded are left out and named in
// `notices`.
struct EncodedRows {
  std::vector<data::Example> examples;
  std::vector<std::string> notices;
  double mean_tokens = 0;  // prompt and answer
};
EncodedRows encode_rows(const LocalModel& local, const Workspace& workspace, const std::vector<data::Row>& rows);
// The same with a model of which only the tokenizer need be open; `context` is its longest sequence.
EncodedRows encode_rows(const model::Model& model, int context, const Workspace& workspace,
                        const std::vector<data::Row>& rows);

// Tokens a second on this machine.
struct Rates {
  double prefill = 0;
  double train = 0;
  // Free text answers, of many rows at once and of one alone; 0 where the task has labels.
  double decode = 0, decode_alone = 0;
  bool is_measured = false;
};
// What an ordinary machine with these cores does: for a plan before the model is here.
Rates assumed_rates(int threads);
// From a few passes over real rows as `spec` trains them (its adapter, noise, recomputation, tokens at once), ten
// seconds or so. Throws Failure (interrupted) on a stop.
Rates measure_rates(LocalModel& local, const std::vector<data::Example>& examples, const train::TrainSpec& spec,
                    const std::stop_token& stop);

}  // namespace hone::solve
