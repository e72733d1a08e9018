// What an export starts from: a language model with or without an adapter, and the prompt its answers were given with.
#pragma once

#include <string>
#include <vector>

#include "solve/model_reference.h"
#include "text/message.h"

namespace hone::solve {

struct ExportSource {
  ModelReference reference;
  std::vector<text::Message> shots;  // worked examples of a prompted bundle or run
  int max_prompt_tokens = 0;         // 0: 4096, or the model's context
  int max_answer_tokens = 0;         // of free text; 0: AnswerSpec's default
  std::string answered_run;          // the contender's run, whose recorded test answers are the trained run's; or empty
  Path task_folder;                  // with hone.toml, for test rows; empty: none known
  std::vector<std::string> notes;    // what an export cannot carry, a sentence each
};

struct ExportSourceSpec {
  std::string model;  // a bundle, a run id, an adapter folder as PEFT writes it, or a bare model
  Path task;          // empty: the bundle's, the run's or the working folder's, where there is one
  std::string base;   // the base of an adapter folder; empty: as its adapter_config.json names it
};

// Opens records only. Failure: there is no language model behind it (a plain classifier, a linear probe), the base that
// an adapter names is not here (it says how to name it), or --base was given to what has its own.
ExportSource export_source(const ExportSourceSpec& spec);

}  // namespace hone::solve
