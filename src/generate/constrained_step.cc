#include "generate/constrained_step.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "generate/sampler.h"

namespace hone::generate {

namespace {

std::vector<float> masked(std::span<const float> logits, std::span<const std::uint64_t> allowed) {
  std::vector<float> kept(logits.size(), -std::numeric_limits<float>::infinity());
  for (std::size_t word = 0; word < allowed.size(); ++word) {
    for (std::uint64_t bits = allowed[word]; bits != 0; bits &= bits - 1) {
      const std::size_t token = 64 * word + static_cast<std::size_t>(std::countr_zero(bits));
      if (token < logits.size()) kept[token] = logits[token];
    }
  }
  return kept;
}

bool fits(const Constraint& constraint, text::TokenId token, int tokens_left) {
  const std::unique_ptr<Constraint> after = constraint.copy();
  after->take(token);
  return 1 + static_cast<int>(after->closing().size()) <= tokens_left;
}

// The model goes on behind at least one token of what follows the part.
void end_part(Constraint& constraint, const StepInput& input, ConstrainedStep& step) {
  constraint.end_part();
  step.tokens = take_forced(constraint, input.tokenizer, input.tokens_left);
  if (step.tokens.empty()) {
    step.tokens.push_back(constraint.closing().front());
    constraint.take(step.tokens.front());
  }
  step.logprobs.assign(step.tokens.size(), 0);
  if (static_cast<int>(step.tokens.size()) >= input.tokens_left) step.finish = "length";
}

}  // namespace

std::vector<text::TokenId> take_forced(Constraint& constraint, const text::Tokenizer& tokenizer, int most) {
  const std::string bytes = constraint.forced();
  std::vector<text::TokenId> taken;
  if (bytes.empty()) return taken;
  std::vector<text::TokenId> tokens = tokenizer.encode_behind(bytes, text::Behind::text);
  if (tokens.empty()) return taken;
  tokens.pop_back();
  std::string_view left = bytes;
  for (const text::TokenId token : tokens) {
    const std::string_view spelled = tokenizer.token_bytes(token);
    // A tokenizer that rewrites text spells something else here: then the model goes on by itself.
    if (!left.starts_with(spelled) || !allows(constraint.allowed(), token)) break;
    if (!fits(constraint, token, most - static_cast<int>(taken.size()))) break;
    left.remove_prefix(spelled.size());
    constraint.take(token);
    taken.push_back(token);
  }
  return taken;
}

ConstrainedStep constrained_step(Constraint& constraint, const StepInput& input) {
  ConstrainedStep step;
  const std::vector<float> logits = masked(input.logits, constraint.allowed());
  const text::TokenId id = input.answer.temperature > 0
                               ? sample(logits, {input.answer.temperature, input.answer.top_p}, input.rng)
                               : arg_max(logits);
  HONE_CHECK(allows(constraint.allowed(), id));
  const auto& ends = input.tokenizer.end_of_turn();
  if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
    if (constraint.may_end()) {
      step.finish = "stop";
    } else {
      end_part(constraint, input, step);
    }
    return step;
  }
  if (!fits(constraint, id, input.tokens_left)) {
    step.tokens = constraint.closing();
    step.logprobs.assign(step.tokens.size(), 0);
    step.finish = "length";
    return step;
  }
  constraint.take(id);
  step.tokens.push_back(id);
  step.logprobs.push_back(input.answer.logprobs ? log_probability(logits, id) : 0);
  if (!constraint.must_end()) {
    for (const text::TokenId token : take_forced(constraint, input.tokenizer, input.tokens_left - 1)) {
      step.tokens.push_back(token);
      step.logprobs.push_back(0);
    }
  }
  if (constraint.must_end()) {
    step.finish = "stop";
  } else if (static_cast<int>(step.tokens.size()) >= input.tokens_left) {
    step.finish = "length";
  }
  return step;
}

}  // namespace hone::generate
