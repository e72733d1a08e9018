// What is said to a model and what it answers, as plain data: Message, Request, Reply; and Responder, one of the two
// virtual seams: anything that answers a batch of requests.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace hone::text {

struct Message {
  std::string role;  // "system", "user", "assistant" or "tool"
  std::string content;
  // What else a chat template may read: "tool_calls", "reasoning_content", ...; an object or null. A "content" among
  // them stands in the text's place: a list of parts.
  Json fields = nullptr;
};

// {"role", "content", ...} as chat APIs write it. As in transformers, members that are null count as missing, and
// reasoning may be called "reasoning_content", "thinking" or "reasoning". A content that is missing beside other
// members, such as tool calls, is an empty text. An error names `where`.
Result<Message> message_from_json(const Json& json, std::string_view where);

// What an answer may be. Labels empty: free text.
struct AnswerSpec {
  std::vector<std::string>
      labels;              // closed set, scored over the trie of label tokens; the answer is always one of them
  bool abstain = false;    // whether "abstain" may be answered as well
  int max_tokens = 256;    // free text only
  double temperature = 0;  // 0: greedy
  double top_p = 1;
  std::uint64_t seed = 1;
  std::vector<std::string> stop;  // free text ends before any of these
  bool logprobs = false;          // report each answer token's log-probability
};

// The labels that may be answered, "abstain" last where it is one of them.
std::vector<std::string> labels_of(const AnswerSpec& answer);

struct Request {
  std::string id;
  std::vector<Message> messages;
  AnswerSpec answer;
};

struct Usage {
  int prompt_tokens = 0;
  int completion_tokens = 0;
};

struct TokenLogprob {
  std::string token;
  double logprob = 0;
};

struct Reply {
  std::string id;
  std::string answer;
  // Labels only: in the order of AnswerSpec::labels (then "abstain"); sums to one.
  std::vector<std::pair<std::string, double>> label_probabilities;
  std::string finish;  // "stop", "length", "label"
  Usage usage;
  double latency_ms = 0;  // this request alone where one at a time, else its share of the batch
  std::vector<TokenLogprob> logprobs;
  int cut_tokens = 0;  // removed from the middle of a prompt that was too long for the model
};

// Called once a request, as each ends, from the calling thread; `index` is the request's place in the span.
using OnReply = std::function<void(std::size_t index, Result<Reply> reply)>;

class Responder {
 public:
  virtual ~Responder() = default;
  // Answers every request; one failing request never ends the batch. Returns early when `stop` is requested.
  virtual void respond(std::span<const Request> requests, const OnReply& on_reply, std::stop_token stop) = 0;
};

}  // namespace hone::text
