// MODEL as every command takes it: a catalogue name, a Hugging Face folder, a .gguf file, a bundle folder, an adapter
// folder as PEFT writes it, or a run id.
#pragma once

#include <optional>
#include <string>

#include "data/task.h"
#include "model/model.h"
#include "track/store.h"

namespace hone::solve {

enum class ModelKind { bare, bundle, run };

struct ModelReference {
  ModelKind kind = ModelKind::bare;
  std::string given;        // as the user wrote it
  std::string contender;    // a bundle's or a run's name in the table; empty for a bare model
  std::string base;         // the language model, as open_model takes it; empty where there is none
  std::string base_sha256;  // as recorded; empty for a bare model
  model::Precision precision = model::Precision::f32;  // in which the base is kept: recorded, or asked for
  Path adapter;                                        // folder of LoRA weights over the base; empty: none
  std::string adapter_sha256{};                        // of its weights, as the run recorded it; empty: not recorded
  std::string today;  // the date for templates that print one: recorded, or today's for a bare model
  // What a bundle or a run answers, as recorded; a run's data files and metric are those of the task as it is now.
  std::optional<data::Task> task;
  std::optional<track::RunRecord> run;
  bool learned = false;  // its answers depend on its task's training rows beyond a few examples
};

// What the command line may say about a model besides its name.
struct ModelChoice {
  std::string base;  // what an adapter folder lies over; empty: what its adapter_config.json names
  // In which the base is kept; nothing or automatic: as recorded, else as_is.
  std::optional<model::Precision> precision;
};

// `task` (a folder or its hone.toml) is whose store is searched where `model` is neither a catalogue name nor a file or
// folder; run ids may be shortened. Nothing is opened yet but records. Failure (bad_input) says where it looked, and
// names --base where an adapter's base is not here; a base for what brings its own, and another precision for what was
// recorded with one, are one too (usage).
ModelReference resolve_model(const std::string& model, const Path& task, const ModelChoice& choice = {});

// The task's base model as open_model takes it from any working folder: a file or folder is meant from the task's
// folder on; the catalogue's default where the task names none.
std::string base_model(const data::Task& task);

// Failure (bad_input) where the adapter's weights are not those that its run recorded.
void check_recorded_adapter(const ModelReference& reference);

// That `model`, which brought no chat template, is asked in ChatML.
std::string no_template_notice(const model::Model& model);

// The language model of a reference, with its adapter where `parts` is everything. Failure: the reference has none (a
// plain classifier), or the base is not the recorded one or not the one that an adapter was made for.
struct LanguageModel {
  model::Model base;
  std::optional<model::Adapter> adapter;
};
LanguageModel open_language_model(tensor::Exec& exec, const ModelReference& reference, model::Parts parts);

}  // namespace hone::solve
