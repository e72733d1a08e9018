// Answers that are JSON of a schema.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "generate/constraint.h"
#include "generate/constraint_vocabulary.h"
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

class JsonConstraint : public Constraint {
 public:
  // `vocabulary` outlives it.
  static MakeConstraint maker(const ConstraintVocabulary& vocabulary, const text::JsonSchema& schema,
                              text::JsonSpelling spelling, ConstraintMemory memory = {});
  JsonConstraint(std::shared_ptr<JsonMasks> masks);

  std::span<const std::uint64_t> allowed() override;
  void take(text::TokenId token) override;
  bool may_end() override;
  bool must_end() override;
  std::string forced() override;
  std::vector<text::TokenId> closing() override;
  // About the memory that the answers under this schema share now.
  std::size_t shared_bytes() const;
  std::unique_ptr<Constraint> copy() const override { return std::make_unique<JsonConstraint>(*this); }

 private:
  text::JsonMatcher& matcher();

  std::shared_ptr<JsonMasks> masks_;
  std::string read_;              // the answer so far; read again where what was known of it is forgotten
  std::uint64_t generation_ = 0;  // of what is remembered, in which state_ is valid
  text::JsonMatcher::State state_ = 0;
  std::shared_ptr<const TokenMask> mask_;  // given out last
};

}  // namespace hone::generate
