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

// What stands around an answer once the template has written the prompt.
struct AnswerForm {
  std::string lead;              // white space that the template puts before an answer, but not into the prompt
  Behind behind = Behind::text;  // what the prompt ends with
  TokenId end = 0;               // what the template writes after an assistant turn; none: the first end-of-turn token
};
// An error: the tokenizer has no end-of-turn token, or the template refuses a question with its answer.
Result<AnswerForm> answer_form(const Tokenizer& tokenizer, const ChatTemplate& chat_template);
// Its `end` alone.
Result<TokenId> turn_end(const Tokenizer& tokenizer, const ChatTemplate& chat_template);

// The ids that follow the prompt's where the conversation goes on with `answer`: lead and answer as plain text that
// continues the prompt (models that put a space before a text put none here), then the end of the turn.
std::vector<TokenId> encode_answer(std::string_view answer, const Tokenizer& tokenizer, const AnswerForm& form);
Result<std::vector<TokenId>> encode_answer(std::string_view answer, const Tokenizer& tokenizer,
                                           const ChatTemplate& chat_template);

// The last of `messages`, an assistant's turn, behind `prompt`, which encode_prompt() made of those before it.
struct EncodedTurn {
  std::vector<TokenId> ids;  // up to the end of the turn
  std::string text;          // the bytes of the ids
};
// A turn of text alone is encoded by encode_answer(), as in training; one with tool calls or reasoning as the template
// writes it. An error: the template refuses, or writes that turn in another way than its prompt begins it.
Result<EncodedTurn> encode_turn(std::span<const Message> messages, const EncodedPrompt& prompt,
                                const Tokenizer& tokenizer, const ChatTemplate& chat_template, const PromptSpec& spec);

}  // namespace hone::text
