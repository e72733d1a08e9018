// What this machine does with a task, in f32 and in 8-bit steps, and whether the quicker one answers the same.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "data/task.h"
#include "model/precision.h"
#include "solve/contenders.h"

namespace hone::solve {

struct MachineBenchSpec {
  std::string model;  // as eval takes it; empty: the task's base
  std::string base{};
  Path task;
  std::size_t rows = 500;  // that are answered, at most
  Quiet quiet;
};

struct PrecisionFigures {
  model::Precision precision = model::Precision::f32;
  double open_seconds = 0;
  std::uint64_t peak_bytes = 0;  // of this process so far
  // Rows one at a time, the prompt's shared beginning kept: milliseconds.
  double latency_p50 = 0, latency_p90 = 0;
  double rows_a_second = 0;  // many at once
  double epoch_seconds = 0;  // one pass of training over the task's rows with the usual settings
  double train_rows_a_second = 0;
  // Rows answered by this precision and by f32, and on how many the answers differ.
  std::size_t compared = 0, differing = 0;
};

struct MachineBench {
  data::Task task;
  std::string model;
  std::size_t train_rows = 0;
  std::vector<PrecisionFigures> figures;  // f32 first
  std::vector<std::string> notices;
  bool interrupted = false;
  bool is_kept = false;  // what int8 showed, for `ask` to go by
};

// Opens the model once a precision, answers training rows, trains a few passes whose result is thrown away. Of a run or
// a bundle that was fine-tuned in f32, how int8 answered is kept (solve/precision_gate.h); else nothing is recorded.
// Failure: the model has no language model under it, or there are no rows.
MachineBench bench_machine(const MachineBenchSpec& spec, const std::stop_token& stop);

}  // namespace hone::solve
