// A local model whose free-text answers are held to a constraint.
#pragma once

#include "generate/constraint.h"
#include "generate/generate.h"

namespace hone::generate {

// As local_responder(). Every answer is whole: one that reaches its limit is completed the short way (finish "length"),
// and a request with too little room for any whole answer gets an error. Log-probabilities are among the tokens that
// might follow, normalised; those that must follow have 0.
std::unique_ptr<text::Responder> constrained_responder(tensor::Exec& exec, const model::Model& model,
                                                       const model::Adapter* adapter, const LocalOptions& options,
                                                       MakeConstraint constraint);

// The constraint of the request at this place of respond()'s span (null: anything), asked for when its turn comes; an
// error is that request's reply.
using ConstraintOf = std::function<Result<MakeConstraint>(std::size_t index)>;

// Told of each constrained answer before its reply: the tokens of its prompt and its own.
using OnAnswerTokens = std::function<void(std::size_t index, std::span<const text::TokenId> prompt,
                                          std::span<const text::TokenId> answer)>;

// The same with a constraint for each request.
struct EachHeld {
  ConstraintOf constraint_of;
  OnAnswerTokens on_tokens;  // may be empty
};
std::unique_ptr<text::Responder> constrained_responder(tensor::Exec& exec, const model::Model& model,
                                                       const model::Adapter* adapter, const LocalOptions& options,
                                                       EachHeld held);

}  // namespace hone::generate
