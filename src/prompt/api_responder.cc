#include "prompt/api_responder.h"

#include <atomic>
#include <deque>
#include <thread>

#include "base/hash.h"
#include "base/rng.h"
#include "net/retry.h"
#include "prompt/api_exchange.h"

namespace hone::prompt {
namespace {

// Of one row: its reply or failure; nothing where a stop or the cap came first; or what ends all rows.
struct Asked {
  std::optional<Result<text::Reply>> row;
  std::optional<Error> ends_all;
};

Asked failed_row(std::string why) {
  return {.row = tl::unexpected<Error>(Error{ErrorCode::environment, std::move(why)}), .ends_all = {}};
}

// Workers that ask the rows of one batch, and the calling thread's queue of what they have.
class Batch {
 public:
  using Ask = std::function<Asked(int worker, const text::Request&)>;
  Batch(std::span<const text::Request> requests, int workers, Ask ask)
      : requests_(requests), ask_(std::move(ask)), working_(workers) {}

  void work(int worker) {
    while (true) {
      const std::size_t index = next_.fetch_add(1);
      if (index >= requests_.size()) break;
      if (!ask_one(worker, index)) break;
    }
    const std::lock_guard lock(mutex_);
    --working_;
    ready_.notify_all();
  }

  using Ended = std::pair<std::size_t, Result<text::Reply>>;
  // The next row that has ended, waiting at most a moment; `done` where none will come.
  std::optional<Ended> next(bool& done) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, std::chrono::milliseconds(50), [&] { return !ended_.empty() || working_ == 0; });
    done = ended_.empty() && working_ == 0;
    if (ended_.empty()) return std::nullopt;
    Ended ended = std::move(ended_.front());
    ended_.pop_front();
    return ended;
  }

  bool ends_early() const {
    const std::lock_guard lock(mutex_);
    return ends_all_.has_value() || bug_ != nullptr;
  }

  // Throws what ended the batch early, if anything did. After all workers have ended.
  void rethrow() const {
    if (bug_) std::rethrow_exception(bug_);
    if (ends_all_) throw Failure(*ends_all_);
  }

 private:
  // False: this worker is to end.
  bool ask_one(int worker, std::size_t index) {
    try {
      Asked asked = ask_(worker, requests_[index]);
      const std::lock_guard lock(mutex_);
      if (asked.ends_all && !ends_all_) ends_all_ = std::move(asked.ends_all);
      if (!asked.row) return false;
      ended_.emplace_back(index, std::move(*asked.row));
      ready_.notify_all();
      return true;
    } catch (...) {
      const std::lock_guard lock(mutex_);
      bug_ = std::current_exception();
      return false;
    }
  }

  std::span<const text::Request> requests_;
  Ask ask_;
  std::atomic<std::size_t> next_{0};
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Ended> ended_;
  int working_;
  std::optional<Error> ends_all_;
  std::exception_ptr bug_;
};

// Ends the workers before they are joined, however the batch is left.
struct Ending {
  std::stop_source& no_more;
  std::stop_source& abandon;
  ~Ending() {
    no_more.request_stop();
    abandon.request_stop();
  }
};

}  // namespace

double most_usd(const text::Request& request, const ApiAsking& asking, const TokenPrice& price) {
  // An endpoint may count the form of the answer as read.
  const double form =
      asking.response_format.is_null() ? 0 : static_cast<double>(to_text(asking.response_format).size());
  return ((most_prompt_tokens(request) + form) * price.input + asking.max_tokens * price.output) / 1e6;
}

struct ApiResponder::State {
  explicit State(ApiOptions given)
      : options(std::move(given)),
        clients(static_cast<std::size_t>(options.concurrency)),
        spending(options.max_usd, options.spent_usd) {}

  ApiOptions options;
  std::vector<net::HttpClient> clients;  // one a worker, kept for its open connection
  Spending spending;
  Pace pace;
  std::mutex mutex;  // of totals
  ApiTotals totals;
  int failures_in_a_row = 0;
  std::optional<Error> gave_up;  // after too many failures in a row

  // Counts a row where it ended, so that no further one is sent after the last failure that is borne. True: no more.
  bool count_failure(const Asked& asked);
  Asked ask(net::HttpClient& client, const text::Request& request, const std::stop_token& no_more,
            const std::stop_token& abandon);

 private:
  net::HttpRequest http_request(const text::Request& request) const;
  Judged exchange(net::HttpClient& client, const net::HttpRequest& http, double most, const std::stop_token& abandon);
  void count(const Judged& judged, const text::Reply& reply);
};

net::HttpRequest ApiResponder::State::http_request(const text::Request& request) const {
  net::HttpRequest http{.method = "POST", .url = options.endpoint.url};
  http.headers.emplace_back("Content-Type", "application/json");
  if (!options.endpoint.key.empty()) http.headers.emplace_back("Authorization", "Bearer " + options.endpoint.key);
  http.body = to_text(chat_body(request, options.asking));
  http.total_seconds = options.patience.timeout_seconds;
  return http;
}

// Sends once, within what was set aside, and settles what it cost.
Judged ApiResponder::State::exchange(net::HttpClient& client, const net::HttpRequest& http, double most,
                                     const std::stop_token& abandon) {
  const auto reply = client.request(http, abandon);
  Judged judged = judge(reply, options);
  if (!client.was_sent()) judged.maybe_paid = false;
  if (reply) judged.seconds = reply->seconds;
  double usd = 0;
  bool uncertain = judged.maybe_paid;
  if (judged.kind == Judged::Kind::answered && options.price) {
    uncertain = !judged.answer.usage;
    if (!uncertain) usd = usd_of(*judged.answer.usage, *options.price);
  }
  if (uncertain) usd = most;
  spending.settle(most, usd);
  const std::lock_guard lock(mutex);
  ++totals.requests;
  if (uncertain) totals.uncertain_usd += usd;
  return judged;
}

void ApiResponder::State::count(const Judged& judged, const text::Reply& reply) {
  const std::lock_guard lock(mutex);
  totals.prompt_tokens += reply.usage.prompt_tokens;
  totals.completion_tokens += reply.usage.completion_tokens;
  totals.cut_answers += judged.answer.finish == "length" ? 1 : 0;
  totals.malformed += reply.finish == "malformed" ? 1 : 0;
}

bool ApiResponder::State::count_failure(const Asked& asked) {
  if (!asked.row) return false;
  const std::lock_guard lock(mutex);
  failures_in_a_row = *asked.row ? 0 : failures_in_a_row + 1;
  if (failures_in_a_row < options.patience.failures_in_a_row || gave_up) return gave_up.has_value();
  gave_up = Error{ErrorCode::environment, fmt::format("{} rows in a row got no answer; the last: {}", failures_in_a_row,
                                                      asked.row->error().message)};
  return true;
}

Asked ApiResponder::State::ask(net::HttpClient& client, const text::Request& request, const std::stop_token& no_more,
                               const std::stop_token& abandon) {
  const net::HttpRequest http = http_request(request);
  const double most = options.price ? most_usd(request, options.asking, *options.price) : 0;
  const ApiPatience& patience = options.patience;
  Rng jitter(hash64(request.id), 0xba0f);
  std::string why;
  for (int tries = 1; tries <= patience.tries; ++tries) {
    if (!pace.wait(no_more) || !spending.reserve(most, no_more)) return {};
    const Judged judged = exchange(client, http, most, abandon);
    switch (judged.kind) {
      case Judged::Kind::answered: {
        text::Reply reply = reply_of(request, judged.answer, options);
        reply.latency_ms = 1000 * judged.seconds;
        count(judged, reply);
        return {.row = std::move(reply), .ends_all = {}};
      }
      case Judged::Kind::row_failed:
        return failed_row(judged.why);
      case Judged::Kind::all_failed:
        return {.row = {}, .ends_all = Error{ErrorCode::environment, judged.why}};
      case Judged::Kind::try_again:
        break;
    }
    why = judged.why;
    if (abandon.stop_requested()) return {};
    if (tries == patience.tries) break;
    {
      const std::lock_guard lock(mutex);
      ++totals.retries;
    }
    const double wait = net::backoff_seconds(tries, patience.first_wait_seconds, jitter.uniform());
    if (judged.wait_seconds) pace.hold_back(*judged.wait_seconds);
    if (!judged.wait_seconds && !pace.sleep(wait, no_more)) return {};
  }
  return failed_row(fmt::format("no answer in {} tries; the last: {}", patience.tries, why));
}

ApiResponder::ApiResponder(ApiOptions options) {
  HONE_CHECK(options.concurrency > 0 && options.patience.tries > 0);
  HONE_CHECK(!options.max_usd || options.price);
  state_ = std::make_unique<State>(std::move(options));
}
ApiResponder::~ApiResponder() = default;

void ApiResponder::respond(std::span<const text::Request> requests, const text::OnReply& on_reply,
                           std::stop_token stop) {
  using Clock = std::chrono::steady_clock;
  State& state = *state_;
  if (requests.empty() || stop.stop_requested() || state.spending.capped()) return;
  std::stop_source no_more;
  std::stop_source abandon;
  const std::stop_callback on_stop(stop, [&] { no_more.request_stop(); });
  const int workers = static_cast<int>(std::min(requests.size(), state.clients.size()));
  Batch batch(requests, workers, [&](int worker, const text::Request& request) {
    Asked asked =
        state.ask(state.clients[static_cast<std::size_t>(worker)], request, no_more.get_token(), abandon.get_token());
    if (state.count_failure(asked)) no_more.request_stop();
    return asked;
  });
  std::vector<std::jthread> threads;
  const Ending ending{no_more, abandon};
  for (int worker = 0; worker < workers; ++worker) threads.emplace_back([&batch, worker] { batch.work(worker); });
  const ApiPatience& patience = state.options.patience;
  std::optional<Clock::time_point> deadline;
  for (bool done = false; !done;) {
    if (auto ended = batch.next(done)) on_reply(ended->first, std::move(ended->second));
    if (batch.ends_early()) no_more.request_stop();
    if (!no_more.stop_requested()) continue;
    const auto now = Clock::now();
    if (!deadline) deadline = now + std::chrono::milliseconds(static_cast<int>(1000 * patience.finish_seconds));
    if (now >= *deadline) abandon.request_stop();
  }
  threads.clear();
  batch.rethrow();
  if (state.gave_up && !stop.stop_requested()) throw Failure(*state.gave_up);
}

ApiTotals ApiResponder::totals() const {
  const std::lock_guard lock(state_->mutex);
  ApiTotals totals = state_->totals;
  totals.usd = state_->options.price ? state_->spending.spent() : 0;
  totals.capped = state_->spending.capped();
  return totals;
}

}  // namespace hone::prompt
