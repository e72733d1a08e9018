// Answers under a constraint for tests of this folder.
#pragma once

#include <string>
#include <utility>

#include "generate/constrained_responder.h"
#include "generate/generate_testing.h"

namespace hone::generate {

// What `model` answers to one request, named after its seed.
inline Result<text::Reply> held_answer(tensor::Exec& exec, const model::Model& model, const MakeConstraint& make,
                                       text::AnswerSpec spec) {
  const auto responder = constrained_responder(exec, model, nullptr, {}, make);
  const text::Request request = {"r" + std::to_string(spec.seed), {{"user", "here"}}, std::move(spec)};
  Result<text::Reply> got = bad_input("none");
  responder->respond({&request, 1}, [&](std::size_t, Result<text::Reply> reply) { got = std::move(reply); }, {});
  return got;
}

}  // namespace hone::generate
