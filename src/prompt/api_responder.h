// A model behind a chat/completions endpoint as a Responder.
#pragma once

#include <cstdint>
#include <mutex>

#include "net/http.h"
#include "prompt/api_endpoint.h"
#include "prompt/api_request.h"
#include "prompt/api_spending.h"

namespace hone::prompt {

struct ApiPatience {
  int tries = 6;                       // of one request
  double first_wait_seconds = 0.5;     // doubled at each try, with jitter
  double longest_asked_seconds = 120;  // a server that asks for more (Retry-After) ends the run
  double timeout_seconds = 120;
  int failures_in_a_row = 8;   // rows without an answer that end the run: then something larger is wrong
  double finish_seconds = 15;  // after a stop, for answers under way: they are paid for
};

struct ApiOptions {
  ApiEndpoint endpoint;
  ApiAsking asking;
  bool fenced_json = false;  // a Markdown code fence around an answer is taken off
  int concurrency = 4;
  std::optional<TokenPrice> price;
  std::optional<double> max_usd;  // needs a price
  double spent_usd = 0;           // before, counts towards max_usd
  ApiPatience patience;
};

// What asking `request` once can cost at most: bytes as tokens, and the longest answer allowed.
double most_usd(const text::Request& request, const ApiAsking& asking, const TokenPrice& price);

struct ApiTotals {
  std::int64_t requests = 0;  // HTTP exchanges
  std::int64_t retries = 0;
  std::int64_t prompt_tokens = 0;  // as the endpoint counts them
  std::int64_t completion_tokens = 0;
  double usd = 0;                // 0 without a price; before this start included
  double uncertain_usd = 0;      // of it: the most that exchanges without a readable answer can have cost
  std::int64_t cut_answers = 0;  // ended by max_tokens
  std::int64_t malformed = 0;    // no label; kept as text
  bool capped = false;           // max_usd would have been passed
};

// Asks `concurrency` requests at a time. An answer that is no label is kept as text with finish "malformed". 408, 409,
// 425, 429, 5xx, lost connections and unreadable answers are tried again; a request that fails for good is an error of
// its row. What no other row can change ends the batch with a Failure (environment): 401, 402, 403, 404, 405, a
// redirect, no credit left, a wait of minutes asked for, many failures in a row. Where max_usd would be passed,
// respond() returns with rows unanswered, and from then on at once. Endings come through after the answers under way.
class ApiResponder : public text::Responder {
 public:
  explicit ApiResponder(ApiOptions options);
  ~ApiResponder() override;
  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token stop) override;
  ApiTotals totals() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone::prompt
