// Asking one contender for a side's rows: answers and latencies recorded as they come, kept ones not asked again.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/progress.h"
#include "solve/contenders.h"

namespace hone::solve {

// Asked before the first request that is timed, all of the same row.
inline constexpr int warm_up_requests = 3;

class Answering {
 public:
  // `workspace` and `job` outlive it; `run` is the contender's in the store.
  Answering(Workspace& workspace, const ContenderJob& job, std::string run, std::stop_token stop, const Quiet& quiet);

  // All rows of a side, kept ones included, in the rows' order; fewer when stopped. Of the validation rows the first
  // ones are asked one at a time, until the latency rests on a hundred requests.
  std::vector<eval::ScoredRow> side(const std::string& side, const std::vector<data::Row>& rows);

  // Where the validation rows were fewer than a hundred: asks them again, in turn, for the latency alone, but for no
  // longer than `most_seconds`. What costs money is not asked again.
  void complete_latency(double most_seconds);

 private:
  void ask(const std::vector<const data::Row*>& missing);
  void ask_together(std::span<const data::Row* const> rows, Progress& progress);
  // One request by itself, timed from the row to the reply: what somebody who asks has to wait. None when stopped.
  std::optional<eval::ScoredRow> ask_alone(const data::Row& row);
  void keep(eval::ScoredRow scored);
  void keep_latency(eval::ScoredRow scored);
  void write();
  void warm_up(const data::Row& row);
  text::Responder& responder();

  Workspace& workspace_;
  const ContenderJob& job_;
  std::string run_;
  std::stop_token stop_;
  Quiet quiet_;
  std::shared_ptr<text::Responder> responder_;
  bool is_warm_ = false;
  std::string side_;  // being asked
  std::size_t done_ = 0;
  std::vector<eval::ScoredRow> unwritten_;
  std::vector<eval::ScoredRow> unwritten_latencies_;
  std::size_t latencies_ = 0;  // recorded, unwritten ones included
};

}  // namespace hone::solve
