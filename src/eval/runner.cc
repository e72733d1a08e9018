#include "eval/runner.h"

#include "base/clock.h"
#include "base/progress.h"

namespace hone::eval {

std::vector<ScoredRow> run_rows(text::Responder& responder, std::span<const data::Row> rows,
                                std::span<const text::Request> requests, const data::Task& task,
                                const RunHooks& hooks) {
  HONE_CHECK(rows.size() == requests.size());
  std::vector<std::optional<ScoredRow>> scored(rows.size());
  Progress progress({hooks.label, "rows", rows.size(), hooks.quiet});
  std::uint64_t done = 0;
  const auto on_reply = [&](std::size_t index, const Result<text::Reply>& reply) {
    HONE_CHECK(index < scored.size() && !scored[index]);
    scored[index] = score_row(rows[index], reply, task);
    if (hooks.on_row) hooks.on_row(*scored[index]);
    progress.update(++done);
  };
  if (!rows.empty()) responder.respond(requests, on_reply, hooks.stop);

  std::vector<ScoredRow> ended;
  ended.reserve(done);
  for (std::optional<ScoredRow>& row : scored) {
    if (row) ended.push_back(std::move(*row));
  }
  return ended;
}

Latency measure_latency(text::Responder& responder, std::span<const text::Request> requests, std::stop_token stop) {
  constexpr std::size_t warm_up = 5;
  std::vector<double> milliseconds;
  bool answered = false;
  const auto on_reply = [&](std::size_t, const Result<text::Reply>& reply) { answered = reply.has_value(); };
  for (std::size_t i = 0; i < std::min(warm_up, requests.size()) && !stop.stop_requested(); ++i) {
    responder.respond(requests.subspan(i, 1), on_reply, stop);
  }
  for (std::size_t i = 0; i < requests.size() && !stop.stop_requested(); ++i) {
    answered = false;
    const Stopwatch watch;
    responder.respond(requests.subspan(i, 1), on_reply, stop);
    const double seconds = watch.seconds();
    if (answered) milliseconds.push_back(1000 * seconds);
  }
  return latency_of(std::move(milliseconds));
}

}  // namespace hone::eval
