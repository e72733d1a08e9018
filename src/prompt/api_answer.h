// What a chat/completions endpoint says: the answer, what it cost in tokens, and the label an answer means.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/message.h"

namespace hone::prompt {

// Tokens as the endpoint bills them: completion includes hidden reasoning; cached and cache_write are part of prompt.
struct ApiUsage {
  int prompt = 0;
  int completion = 0;
  int cached = 0;
  int cache_write = 0;
};

struct ApiAnswer {
  std::string text;               // the message's content, or its refusal
  std::string finish;             // finish_reason: "stop", "length", "content_filter", ...
  std::optional<ApiUsage> usage;  // none where the endpoint did not say
};

// Reads the body of a successful reply. An error (bad_input) says what is missing.
Result<ApiAnswer> read_chat_answer(std::string_view body);

// What went wrong, from the body of an error reply: its message, else its first words. Fit to be shown.
std::string error_text_in(std::string_view body);
// Its code ("insufficient_quota"), or empty.
std::string error_code_in(std::string_view body);

// The label `answer` stands for: equal to one of the spec's labels (or to "abstain" where allowed) after trimming,
// taking off quotes, Markdown marks and a final full stop, and, where that fits one label only, whatever the case.
std::optional<std::string> label_in(std::string_view answer, const text::AnswerSpec& spec);

// Without a leading <think>...</think> block, which some servers leave in the answer.
std::string_view without_thinking(std::string_view answer);
// The inside of a Markdown code fence, where the whole answer is one.
std::string_view without_fence(std::string_view answer);

}  // namespace hone::prompt
