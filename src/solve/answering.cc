#include "solve/answering.h"

#include <map>

#include "base/clock.h"

namespace hone::solve {
namespace {

constexpr std::size_t latency_rows = 100;
constexpr std::size_t rows_a_write = 32;

}  // namespace

Answering::Answering(Workspace& workspace, const ContenderJob& job, std::string run, std::stop_token stop,
                     const Quiet& quiet)
    : workspace_(workspace), job_(job), run_(std::move(run)), stop_(std::move(stop)), quiet_(quiet) {
  latencies_ = workspace_.store.rows(run_, "latency").size();
}

std::vector<eval::ScoredRow> Answering::side(const std::string& side, const std::vector<data::Row>& rows) {
  const auto kept = [&] {
    std::map<std::string, eval::ScoredRow> by_id;
    for (auto& row : workspace_.store.rows(run_, side)) by_id.emplace(row.id, std::move(row));
    return by_id;
  };
  auto answered = kept();
  std::vector<const data::Row*> missing;
  for (const auto& row : rows) {
    const auto found = answered.find(row.id);
    const bool ask_again = job_.asking == Asking::paid && found != answered.end() && found->second.failed;
    if (found == answered.end() || ask_again) missing.push_back(&row);
  }
  if (!missing.empty()) {
    side_ = side;
    ask(missing);
    answered = kept();
  }
  std::vector<eval::ScoredRow> in_order;
  for (const auto& row : rows) {
    if (const auto found = answered.find(row.id); found != answered.end()) in_order.push_back(found->second);
  }
  return in_order;
}

void Answering::ask(const std::vector<const data::Row*>& missing) {
  responder();
  const bool timed = side_ == "validation" && latencies_ < latency_rows;
  const std::size_t alone = timed ? std::min(missing.size(), latency_rows - latencies_) : 0;
  if (alone > 0) warm_up(*missing.front());
  Progress progress({.label = fmt::format("{}, {} rows", job_.name, side_),
                     .unit = "rows",
                     .total = missing.size(),
                     .quiet = quiet_.progress});
  done_ = 0;
  try {
    for (std::size_t i = 0; i < alone && !stop_.stop_requested(); ++i) {
      auto scored = ask_alone(*missing[i]);
      if (!scored) break;
      keep_latency(*scored);
      keep(std::move(*scored));
      progress.update(done_);
    }
    if (alone < missing.size() && !stop_.stop_requested()) ask_together(std::span(missing).subspan(alone), progress);
  } catch (...) {
    // What has been answered is kept, whatever stopped the rest.
    try {
      write();
    } catch (const Failure&) {
      // The disk may be what failed; the first failure says more.
    }
    throw;
  }
  write();
}

void Answering::ask_together(std::span<const data::Row* const> rows, Progress& progress) {
  std::vector<text::Request> requests;
  for (const auto* row : rows) requests.push_back(job_.request(*row));
  responder().respond(
      requests,
      [&](std::size_t index, const Result<text::Reply>& reply) {
        keep(eval::score_row(*rows[index], reply, workspace_.task));
        progress.update(done_);
      },
      stop_);
}

std::optional<eval::ScoredRow> Answering::ask_alone(const data::Row& row) {
  std::optional<eval::ScoredRow> scored;
  const Stopwatch watch;
  const text::Request request = job_.request(row);
  const double made_ms = watch.seconds() * 1000;
  responder().respond(
      {&request, 1},
      [&](std::size_t, Result<text::Reply> reply) {
        // Over a network the responder itself knows which part was the request and which a wait before trying again.
        const double ms = job_.asking == Asking::paid && reply ? made_ms + reply->latency_ms : watch.seconds() * 1000;
        if (reply) reply->latency_ms = ms;
        scored = eval::score_row(row, reply, workspace_.task);
      },
      stop_);
  return scored;
}

void Answering::complete_latency(double most_seconds) {
  const auto& rows = workspace_.split.validation;
  latencies_ = workspace_.store.rows(run_, "latency").size();
  if (rows.empty() || job_.asking == Asking::paid || latencies_ >= latency_rows || stop_.stop_requested()) return;
  responder();
  warm_up(rows.front());
  Progress progress({.label = fmt::format("{}, time of one request", job_.name),
                     .unit = "requests",
                     .total = latency_rows - latencies_,
                     .quiet = quiet_.progress});
  const Stopwatch watch;
  const std::size_t before = latencies_;
  for (std::size_t k = before; k < latency_rows && watch.seconds() < most_seconds && !stop_.stop_requested(); ++k) {
    auto scored = ask_alone(rows[k % rows.size()]);
    if (!scored) break;
    scored->id += fmt::format("#{}", k / rows.size() + 1);
    keep_latency(std::move(*scored));
    progress.update(latencies_ - before);
  }
  write();
}

void Answering::keep(eval::ScoredRow scored) {
  ++done_;
  unwritten_.push_back(std::move(scored));
  if (job_.asking == Asking::paid || unwritten_.size() >= rows_a_write) write();
}

void Answering::keep_latency(eval::ScoredRow scored) {
  if (scored.failed) return;
  unwritten_latencies_.push_back(std::move(scored));
  ++latencies_;
}

// The latencies first: an answer without its latency would not be asked again, a latency without its answer would.
void Answering::write() {
  workspace_.store.append_rows(run_, "latency", unwritten_latencies_);
  unwritten_latencies_.clear();
  workspace_.store.append_rows(run_, side_, unwritten_);
  unwritten_.clear();
}

void Answering::warm_up(const data::Row& row) {
  if (is_warm_ || job_.asking == Asking::paid) return;
  is_warm_ = true;
  const text::Request request = job_.request(row);
  for (int i = 0; i < warm_up_requests && !stop_.stop_requested(); ++i) {
    responder().respond(
        {&request, 1}, [](std::size_t, const Result<text::Reply>&) {}, stop_);
  }
}

text::Responder& Answering::responder() {
  if (!responder_) responder_ = job_.make();
  return *responder_;
}

}  // namespace hone::solve
