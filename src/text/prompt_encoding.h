// Conversation -> ids, the same for training, evaluation and serving.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/chat_template.h"
#include "text/message.h"
#include "text/tokenizer.h"

namespace hone::text {

struct PromptSpec {
  int max_tokens = 1 << 20;  // of the prompt; longer ones are cut
  std::string today;         // for templates that print a date
  Json extra;                // further template variables; object or null
};

struct EncodedPrompt {
  std::vector<TokenId> ids;
  int cut_tokens = 0;    // removed from the middle of the last user message; " [...] " stands in their place
  std::string rendered;  // the text behind the ids, cut as they are
};

// Renders `messages` with the generation prompt and encodes the result. BOS is put first where the tokenizer asks for
// it and the template did not write it. An error: the template refuses, or the prompt is too long without any user
// text.
Result<EncodedPrompt> encode_prompt(std::span<const Message> messages, const Tokenizer& tokenizer,
                                    const ChatTemplate& chat_template, const PromptSpec& spec);

// The token that the template writes after an assistant turn; where it writes none, the tokenizer's first end-of-turn
// token. An error for a tokenizer without one.
Result<TokenId> turn_end(const Tokenizer& tokenizer, const ChatTemplate& chat_template);

// encode(answer) as plain text, then turn_end.
Result<std::vector<TokenId>> encode_answer(std::string_view answer, const Tokenizer& tokenizer,
                                           const ChatTemplate& chat_template);

}  // namespace hone::text
