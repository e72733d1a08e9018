// Which tokens may follow: the seam between what an answer must be and how it is decoded.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/token_id.h"

namespace hone::generate {

// One answer being written. Every state it can be brought into can be completed to a valid answer.
class Constraint {
 public:
  virtual ~Constraint() = default;
  // Bit i of word i / 64 is set where token i may follow; of the tokens that end a turn, all where the answer, or the
  // part of it that is being written, may end.
  // The words are as many as the vocabulary needs, and stay valid until the next call.
  virtual std::span<const std::uint64_t> allowed() = 0;
  // `token` was written: one that is allowed and ends no turn.
  virtual void take(text::TokenId token) = 0;
  // Whether the answer may end here, and whether nothing else may follow.
  virtual bool may_end() = 0;
  virtual bool must_end() = 0;
  // A token that ends a turn was chosen where the answer may not end: the part being written ends, and what must stand
  // between it and the next follows.
  virtual void end_part() { HONE_CHECK(false); }
  // The bytes that must follow whatever is chosen; empty where there is a choice.
  virtual std::string forced() = 0;
  // A short text that completes the answer, as tokens.
  virtual std::vector<text::TokenId> closing() = 0;
  virtual std::unique_ptr<Constraint> copy() const = 0;
};

// Makes the constraint of a new answer.
using MakeConstraint = std::function<std::unique_ptr<Constraint>()>;

inline bool allows(std::span<const std::uint64_t> allowed, text::TokenId token) {
  const auto at = static_cast<std::size_t>(token);
  return at / 64 < allowed.size() && (allowed[at / 64] >> (at % 64) & 1U) != 0;
}

}  // namespace hone::generate
