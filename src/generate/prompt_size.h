// How long a prompt is for a model, for replies that no scheduler counts.
#pragma once

#include <span>

#include "generate/generate.h"

namespace hone::generate {

// Tokens of `messages` with the generation prompt, cut as the scheduler cuts; 0 where they cannot be encoded.
int prompt_tokens(const model::Model& model, std::span<const text::Message> messages, const LocalOptions& options);

}  // namespace hone::generate
