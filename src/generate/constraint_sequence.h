// Free text first, then an answer that is held to a constraint: "rationale first, answer last".
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "generate/constraint.h"
#include "generate/constraint_vocabulary.h"

namespace hone::generate {

// The line between the two.
inline constexpr std::string_view answer_marker = "\nAnswer:\n";

// What tells a model of it, behind the question.
inline constexpr std::string_view rationale_request =
    "\n\nReason first, in one or two sentences. Then write a line that says only \"Answer:\", and below it the answer "
    "alone.";

// What all answers of one such kind share. Not for several threads at once.
class SequenceMasks;

// Up to so many tokens of any text, then answer_marker, then the answer. The rest of the marker follows as soon as the
// model has written "Answer:" at the beginning of a line; the whole of it where the model would end its turn, and where
// the tokens are used up. No token reaches from the marker into the answer.
class SequenceConstraint : public Constraint {
 public:
  // `vocabulary` outlives it; `rationale_tokens` is at least 1. Failure (unsupported) where the vocabulary lacks a byte
  // of the marker.
  static MakeConstraint maker(const ConstraintVocabulary& vocabulary, int rationale_tokens, MakeConstraint answer);
  explicit SequenceConstraint(std::shared_ptr<SequenceMasks> masks);
  SequenceConstraint(const SequenceConstraint& other);

  std::span<const std::uint64_t> allowed() override;
  void take(text::TokenId token) override;
  bool may_end() override { return answer_ && answer_->may_end(); }
  bool must_end() override { return answer_ && answer_->must_end(); }
  void end_part() override;
  std::string forced() override;
  std::vector<text::TokenId> closing() override;
  std::unique_ptr<Constraint> copy() const override { return std::make_unique<SequenceConstraint>(*this); }

 private:
  std::shared_ptr<SequenceMasks> masks_;
  std::int32_t state_;                  // of the text before the answer
  int tokens_ = 0;                      // of the rationale
  std::unique_ptr<Constraint> answer_;  // once the marker is written
};

struct ReasonedAnswer {
  std::string rationale;
  std::string answer;
};

// `text`, as SequenceConstraint lets it through, in its two parts; white space around the rationale is left out.
ReasonedAnswer split_at_marker(std::string_view text);

}  // namespace hone::generate
