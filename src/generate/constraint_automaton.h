// Answers that an automaton over bytes accepts: regular expressions, closed sets of texts.
#pragma once

#include <memory>

#include "generate/constraint.h"
#include "generate/constraint_vocabulary.h"
#include "text/regex_automaton.h"

namespace hone::generate {

// What all answers under one automaton share: its masks. Not for several threads at once.
class AutomatonMasks;

class AutomatonConstraint : public Constraint {
 public:
  // `vocabulary` outlives it. Errors: no text is accepted (bad_input), or none can be completed byte by byte in this
  // vocabulary (unsupported).
  static Result<MakeConstraint> maker(const ConstraintVocabulary& vocabulary, text::Automaton automaton);
  // The same for one of `texts`. An error also where the vocabulary lacks a byte of any of them: it would never be
  // answered, and nobody would know.
  static Result<MakeConstraint> of_texts(const ConstraintVocabulary& vocabulary, std::span<const std::string> texts);
  explicit AutomatonConstraint(std::shared_ptr<AutomatonMasks> masks);

  std::span<const std::uint64_t> allowed() override;
  void take(text::TokenId token) override;
  bool may_end() override;
  bool must_end() override;
  std::string forced() override;
  std::vector<text::TokenId> closing() override;
  std::unique_ptr<Constraint> copy() const override { return std::make_unique<AutomatonConstraint>(*this); }

 private:
  std::shared_ptr<AutomatonMasks> masks_;
  std::int32_t state_ = 0;
};

}  // namespace hone::generate
