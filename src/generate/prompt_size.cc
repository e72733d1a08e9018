#include "generate/prompt_size.h"

#include "text/prompt_encoding.h"

namespace hone::generate {

int prompt_tokens(const model::Model& model, std::span<const text::Message> messages, const LocalOptions& options) {
  text::PromptSpec spec;
  spec.max_tokens = std::min(options.max_prompt_tokens, model.decoder->config().context - 1);
  spec.today = options.today;
  const auto encoded = text::encode_prompt(messages, model.tokenizer, model.chat_template, spec);
  return encoded ? static_cast<int>(encoded->ids.size()) : 0;
}

}  // namespace hone::generate
