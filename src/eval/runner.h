// Runs rows through a Responder: scored as they end, with progress; and its latency, one request at a time.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "eval/contender.h"
#include "eval/score.h"

namespace hone::eval {

struct RunHooks {
  std::function<void(const ScoredRow&)> on_row;  // as each row ends, in the order of ending; may be empty
  std::stop_token stop;
  bool quiet = false;  // no progress on stderr
  std::string label;   // what the progress line is called
};

// Answers and scores `rows`; requests[i] asks for rows[i], and both have the same length. Returned in the order of
// `rows`; rows without a reply because a stop was requested are left out.
std::vector<ScoredRow> run_rows(text::Responder& responder, std::span<const data::Row> rows,
                                std::span<const text::Request> requests, const data::Task& task, const RunHooks& hooks);

// Wall time of each request asked alone, in milliseconds, after a warm-up of the first five. Requests that fail are not
// counted; a stop gives what was measured so far.
Latency measure_latency(text::Responder& responder, std::span<const text::Request> requests, std::stop_token stop);

}  // namespace hone::eval
