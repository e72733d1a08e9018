// Answers that are JSON of a schema.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "generate/constraint.h"
#include "generate/constraint_vocabulary.h"
#include "generate/value_tokens.h"
#include "text/json_schema.h"

namespace hone::generate {

// What all answers under one schema share: the states met so far and their masks. Not for several threads at once.
class JsonMasks;

// What is remembered under one schema is forgotten, all at once, when it has grown to `bytes`; then it is found again
// as it is needed. Answers don't depend on it. Above it comes what one mask meets: at most some 100 MB, mostly some
// 100 KB.
struct ConstraintMemory {
  std::size_t bytes = std::size_t{64} << 20;
};

// A member whose value may be one of a few (ValuePlaces) has it in the tokens that the tokenizer writes it in: what is
// answered there is one way through the trie that FieldScoring scores.
class JsonConstraint : public Constraint {
 public:
  // At the beginning of an answer; copies of it share what is remembered. `vocabulary` outlives it, and has what
  // ConstraintVocabulary::require_json() asks for; else that Failure.
  JsonConstraint(const ConstraintVocabulary& vocabulary, const text::JsonSchema& schema, text::JsonSpelling spelling,
                 ConstraintMemory memory = {});
  static MakeConstraint maker(const ConstraintVocabulary& vocabulary, const text::JsonSchema& schema,
                              text::JsonSpelling spelling, ConstraintMemory memory = {});

  std::span<const std::uint64_t> allowed() override;
  void take(text::TokenId token) override;
  bool may_end() override;
  bool must_end() override;
  std::string forced() override;
  // By its bytes alone: where it falls into such a value it need not be spelled so.
  std::vector<text::TokenId> closing() override;
  // Goes on by a token that isn't allowed for no other reason than how it spells such a value. False, and nothing done,
  // where the text may not go on by its bytes.
  bool take_otherwise_spelled(text::TokenId token);
  // About the memory that the answers under this schema share now.
  std::size_t shared_bytes() const;
  std::unique_ptr<Constraint> copy() const override { return std::make_unique<JsonConstraint>(*this); }

 private:
  text::JsonMatcher& matcher();
  void read(std::string_view bytes);

  std::shared_ptr<JsonMasks> masks_;
  std::string read_;              // the answer so far; read again where what was known of it is forgotten
  std::uint64_t generation_ = 0;  // of what is remembered, in which state_ is valid
  text::JsonMatcher::State state_ = 0;
  std::shared_ptr<const TokenMask> mask_;     // given out last
  std::shared_ptr<const ValueTokens> value_;  // inside one of a few: its tokens; null elsewhere
  int node_ = 0;                              // of them
};

}  // namespace hone::generate
