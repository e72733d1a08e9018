// What is sent to a chat/completions endpoint, and how many tokens that is, about and at most.
#pragma once

#include "base/json.h"
#include "prompt/prompted.h"

namespace hone::prompt {

// How a model is asked; part of what its answers depend on.
struct ApiAsking {
  std::string model;
  std::optional<double> temperature = 0;  // none: the field is left out, for models that refuse it
  int max_tokens = 1024;                  // of the answer, hidden reasoning included
  // The field that says so: OpenAI's own models refuse the older "max_tokens", other servers may not know the newer.
  std::string max_tokens_field = "max_tokens";
  Json response_format = nullptr;  // what the endpoint is told of the answer's form (response_format.h); null: nothing
};

// The instruction with the form of the answer: every label and "nothing else", or one JSON document, of
// the task's schema where it has one.
std::string api_instruction(const data::Task& task);

// The request of `maker`, with api_instruction in place of the system message.
text::Request api_request(const data::Task& task, const RequestMaker& maker, const data::Row& row);

// The body of the HTTP request.
Json chat_body(const text::Request& request, const ApiAsking& asking);

// About: four bytes a token, and what a chat template adds. At most: a token is a byte or more.
double about_prompt_tokens(const text::Request& request);
double most_prompt_tokens(const text::Request& request);
// Of an answer without reasoning; rows' outputs say how long.
double about_completion_tokens(const data::Task& task, std::span<const data::Row> rows);

}  // namespace hone::prompt
