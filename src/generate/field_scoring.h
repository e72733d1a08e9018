// Probabilities of the values that a field of a JSON answer might have had, where its schema allows only a few.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "generate/generate.h"
#include "generate/value_tokens.h"

namespace hone::generate {

struct FieldProbabilities {
  std::string field;                                   // JSON pointer
  std::vector<std::pair<std::string, double>> values;  // JSON texts, the most probable first; they sum to one
};

struct FieldAnswer {
  std::span<const text::TokenId> prompt;  // not empty
  std::span<const text::TokenId> tokens;  // of the answer
  std::size_t json_begin = 0;             // where in the answer's bytes the JSON text begins
};

// Reads answers again, each in one pass over its tokens. Not for several threads at once.
class FieldScoring {
 public:
  // `model`, `adapter` (null: the bare base) and `vocabulary`, the model's, outlive it.
  FieldScoring(const model::Model& model, const model::Adapter* adapter, const ConstraintVocabulary& vocabulary)
      : model_(model), adapter_(adapter), vocabulary_(vocabulary) {}

  // Of each member of the answer that may have one of at most most_field_values words, numbers and strings, the
  // probability of each of them given the answer's tokens before it: as label probabilities (../docs/numerics.md) over
  // its ValueTokens, which are those that a JsonConstraint lets an answer choose among. Fields whose values would reach
  // beyond the model's context are left out. `answer` is one that the schema allows.
  std::vector<FieldProbabilities> probabilities(tensor::Exec& exec, text::JsonMatcher& matcher,
                                                const FieldAnswer& answer) const;

 private:
  const model::Model& model_;
  const model::Adapter* adapter_;
  const ConstraintVocabulary& vocabulary_;
};

}  // namespace hone::generate
