// One row asked: the HTTP exchange, tried again where that can help. Seen by api_responder.cc and its test only.
#pragma once

#include <condition_variable>

#include "prompt/api_responder.h"

namespace hone::prompt {

// When the next exchange may begin, for all workers alike: a server that asks one to wait asks all.
class Pace {
 public:
  void hold_back(double seconds);
  // False: a stop came first.
  bool wait(const std::stop_token& stop);
  // The same for one worker's own `seconds`.
  bool sleep(double seconds, const std::stop_token& stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::chrono::steady_clock::time_point next_{};
};

// What an HTTP exchange came to.
struct Judged {
  enum class Kind {
    answered,
    try_again,
    row_failed,  // nothing helps this row
    all_failed,  // no other row would fare better
  };
  Kind kind = Kind::answered;
  ApiAnswer answer;
  std::string why;                     // fit to be shown
  std::optional<double> wait_seconds;  // as the server asks
  bool maybe_paid = false;             // no answer came of it, and yet it may be billed
  double seconds = 0;                  // that the exchange took
};

// The key is taken out of all that the server says. Without a reply the request is held to have reached the server.
Judged judge(const Result<net::HttpReply>& reply, const ApiOptions& options);

// The reply for `answer` to `request`: labels mapped, malformed ones kept as text.
text::Reply reply_of(const text::Request& request, const ApiAnswer& answer, const ApiOptions& options);

}  // namespace hone::prompt
