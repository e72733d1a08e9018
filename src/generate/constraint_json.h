// Answers that are JSON of a schema.
#pragma once

#include <memory>

#include "generate/constraint.h"
#include "generate/constraint_vocabulary.h"
#include "text/json_schema.h"

namespace hone::generate {

// What all answers under one schema share: the states met so far and their masks. Not for several threads at once.
class JsonMasks;

class JsonConstraint : public Constraint {
 public:
  // `vocabulary` outlives it.
  static MakeConstraint maker(const ConstraintVocabulary& vocabulary, const text::JsonSchema& schema,
                              text::JsonSpelling spelling);
  JsonConstraint(std::shared_ptr<JsonMasks> masks);

  std::span<const std::uint64_t> allowed() override;
  void take(text::TokenId token) override;
  bool may_end() override;
  bool must_end() override;
  std::string forced() override;
  std::vector<text::TokenId> closing() override;
  std::unique_ptr<Constraint> copy() const override { return std::make_unique<JsonConstraint>(*this); }

 private:
  std::shared_ptr<JsonMasks> masks_;
  text::JsonMatcher::State state_ = 0;
};

}  // namespace hone::generate
