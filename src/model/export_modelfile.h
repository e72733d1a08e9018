// An Ollama Modelfile: the task's prompt in Ollama's words, taken from what the model's own template renders.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "text/chat_template.h"
#include "text/message.h"
#include "text/tokenizer.h"

namespace hone::model {

struct ModelfileInput {
  const text::ChatTemplate* chat_template = nullptr;
  const text::Tokenizer* tokenizer = nullptr;
  std::string from;     // FROM: the file, as the Modelfile sees it
  std::string adapter;  // ADAPTER; empty: none
  // The task's conversation up to the input: a system message, then worked examples; empty: none known.
  std::span<const text::Message> before;
  std::string today;
  int context = 2048;  // num_ctx
};

// Whether a Modelfile can hold this text; what it cannot hold is left out of it, with a comment.
bool can_be_quoted(const std::string& text);

// FROM, ADAPTER, TEMPLATE, SYSTEM, MESSAGE and PARAMETER lines; greedy, stopping where an answer ends. TEMPLATE gives
// the very prompt of training for one system message and one input (Ollama writes BOS itself). It is left out, with a
// comment that says so, where there is no system message or the template changes what it is given: Ollama then goes by
// the template inside the GGUF file.
std::string modelfile(const ModelfileInput& input);

}  // namespace hone::model
