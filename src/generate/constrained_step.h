// One step of an answer under a constraint: the model's choice among the tokens that may follow, and what must follow
// it.
#pragma once

#include <span>
#include <vector>

#include "base/rng.h"
#include "generate/constraint.h"
#include "text/message.h"
#include "text/tokenizer.h"

namespace hone::generate {

// The tokens that must follow, as the tokenizer would write them, but for the last: it might be written together with
// what is chosen after it. They are taken; no more than `most`.
std::vector<text::TokenId> take_forced(Constraint& constraint, const text::Tokenizer& tokenizer, int most);

struct ConstrainedStep {
  std::vector<text::TokenId> tokens;
  std::vector<double> logprobs;  // among the tokens that might follow, normalised; 0 for those that must
  const char* finish = nullptr;  // "stop" or "length" where the answer ends; null: it goes on
};

struct StepInput {
  std::span<const float> logits;
  const text::AnswerSpec& answer;
  const text::Tokenizer& tokenizer;
  Rng& rng;
  int tokens_left = 1;  // at least what constraint.closing() takes
};

// Advances `constraint`. Where the choice would leave too few tokens to complete the answer, it is completed instead,
// the short way ("length"); so an answer is always whole.
ConstrainedStep constrained_step(Constraint& constraint, const StepInput& input);

}  // namespace hone::generate
