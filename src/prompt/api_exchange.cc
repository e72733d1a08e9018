#include "prompt/api_exchange.h"

#include "base/terminal.h"
#include "net/retry.h"

namespace hone::prompt {
namespace {

using Clock = std::chrono::steady_clock;

Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// An echoed key must reach neither store nor terminal. A "key" of a few letters hides nothing and would maim texts.
std::string without_key(std::string text, const std::string& key) {
  constexpr std::size_t least = 8;
  if (key.size() < least) return text;
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at))
    text.replace(at, key.size(), "[key]");
  return text;
}

bool ends_all(int status) { return (status >= 300 && status < 400) || (status >= 401 && status <= 405); }

bool may_pass(int status) { return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500; }

std::string advice_for(int status, const ApiEndpoint& endpoint) {
  switch (status) {
    case 401:
    case 403:
      return endpoint.key.empty() ? "no key was sent; set HONE_API_KEY" : "check the key in HONE_API_KEY";
    case 402:
      return "the account has no credit";
    case 404:
    case 405:
      return "check --model and --url (the address before /chat/completions)";
    default:
      return "give the address it redirects to as --url";
  }
}

Judged judged_status(const net::HttpReply& reply, const std::string& body, const ApiOptions& options) {
  const std::string& host = options.endpoint.host;
  Judged judged;
  const std::string said = error_text_in(body);
  judged.why = fmt::format("{} answers {}{}", host, reply.status, said.empty() ? "" : ": " + said);
  if (ends_all(reply.status)) {
    judged.kind = Judged::Kind::all_failed;
    judged.why += fmt::format(" ({})", advice_for(reply.status, options.endpoint));
  } else if (reply.status == 429 && error_code_in(body) == "insufficient_quota") {
    judged.kind = Judged::Kind::all_failed;
  } else if (may_pass(reply.status)) {
    judged.kind = Judged::Kind::try_again;
    judged.wait_seconds = net::retry_after_seconds(reply);
    if (judged.wait_seconds && *judged.wait_seconds > options.patience.longest_asked_seconds) {
      judged.kind = Judged::Kind::all_failed;
      judged.why += fmt::format(" (and asks to wait {:.0f} seconds)", *judged.wait_seconds);
    }
  } else {
    judged.kind = Judged::Kind::row_failed;
    if (!options.asking.response_format.is_null() && said.find("response_format") != std::string::npos) {
      judged.why += " (try --response-format none)";
    }
    if (said.find("temperature") != std::string::npos) judged.why += " (try --no-temperature)";
  }
  return judged;
}

}  // namespace

void Pace::hold_back(double seconds) {
  const std::lock_guard lock(mutex_);
  next_ = std::max(next_, Clock::now() + duration_of(seconds));
}

bool Pace::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (Clock::now() < next_ && !stop.stop_requested()) never_.wait_until(lock, stop, next_, [] { return false; });
  return !stop.stop_requested();
}

bool Pace::sleep(double seconds, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  never_.wait_for(lock, stop, duration_of(seconds), [] { return false; });
  return !stop.stop_requested();
}

Judged judge(const Result<net::HttpReply>& reply, const ApiOptions& options) {
  Judged judged;
  if (!reply) {
    judged.kind = Judged::Kind::try_again;
    judged.why = reply.error().message;
    judged.maybe_paid = true;
    return judged;
  }
  const std::string body = without_key(reply->body, options.endpoint.key);
  if (reply->status < 200 || reply->status >= 300) return judged_status(*reply, body, options);
  auto answer = read_chat_answer(body);
  if (!answer) {
    judged.kind = Judged::Kind::try_again;
    judged.why = fmt::format("{}: {}", options.endpoint.host, clipped(answer.error().message, 200));
    judged.maybe_paid = true;
    return judged;
  }
  judged.answer = std::move(*answer);
  return judged;
}

text::Reply reply_of(const text::Request& request, const ApiAnswer& answer, const ApiOptions& options) {
  text::Reply reply{.id = request.id,
                    .answer = std::string(without_thinking(answer.text)),
                    .label_probabilities = {},
                    .finish = answer.finish,
                    .usage = {},
                    .latency_ms = 0,
                    .logprobs = {}};
  if (answer.usage) reply.usage = {answer.usage->prompt, answer.usage->completion};
  if (!request.answer.labels.empty()) {
    const auto label = label_in(reply.answer, request.answer);
    reply.finish = label ? "label" : "malformed";
    if (label) reply.answer = *label;
  } else if (options.fenced_json) {
    reply.answer = std::string(without_fence(reply.answer));
  }
  return reply;
}

}  // namespace hone::prompt
