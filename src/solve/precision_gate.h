// Whether 8-bit products answer as f32 does for one adapter, one task and one machine: measured by `hone bench`, kept
// in the user's cache, believed by whoever lets the precision be chosen.
#pragma once

#include <optional>
#include <string>

#include "data/task.h"
#include "model/precision.h"
#include "solve/model_reference.h"

namespace hone::solve {

struct GateEvidence {
  std::size_t rows = 0;       // answered in int8 and in f32
  std::size_t differing = 0;  // of these, answered otherwise
  std::string date{};         // of the measurement, UTC

  // One-sided 95 % upper bound of the share answered otherwise, at most eval::most_disagreement.
  double bound() const;
  bool passed() const;
};

// What was measured holds for this and for nothing else: the base's and the adapter's bytes, what the model is asked
// and may answer, this processor, this version of Hone. Nothing for what is not a fine-tuned model with a recorded
// base.
std::optional<Json> gate_key(const ModelReference& reference, const data::Task& task);

// Writes cache_folder()/gates/HASH-OF-KEY.json, in the place of what was measured before. Throws Failure.
void keep_gate(const Json& key, const GateEvidence& evidence);

// What was kept for `key`; nothing where nothing was, or where the file is not as keep_gate() writes it.
std::optional<GateEvidence> kept_gate(const Json& key);

// For a fine-tuned model kept in f32 whose gate has passed on this machine: from now on kept in int8, and the sentence
// that says so. Else nothing, and nothing is changed.
std::optional<std::string> take_what_passed(ModelReference& reference);

}  // namespace hone::solve
