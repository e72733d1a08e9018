// Choosing the next token from logits.
#pragma once

#include <span>

#include "base/rng.h"
#include "text/tokenizer.h"

namespace hone::generate {

// The largest logit, ties to the lowest id.
text::TokenId arg_max(std::span<const float> logits);

// log softmax(logits)[id], over all ids, temperature 1; f64.
double log_probability(std::span<const float> logits, text::TokenId id);

// One draw from softmax(logits / temperature) cut to its nucleus: the fewest most likely tokens whose probabilities
// reach top_p (Holtzman et al. 2020), at least one. temperature > 0, top_p in (0, 1]. Takes one number from `rng`.
struct Sampling {
  double temperature = 1;
  double top_p = 1;
};
text::TokenId sample(std::span<const float> logits, const Sampling& sampling, Rng& rng);

}  // namespace hone::generate
