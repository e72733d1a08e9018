// Replaying a recorded run from its manifest, and saying whether the same came out.
#pragma once

#include <stop_token>
#include <string>

#include "base/json.h"
#include "solve/contenders.h"

namespace hone::solve {

struct Reproduced {
  std::string run;
  bool identical = false;    // bit for bit: the adapter's SHA-256, or every answer and probability
  std::size_t compared = 0;  // rows, or 1 for an adapter
  std::size_t different = 0;
  double largest = 0;  // largest difference of a label probability
  std::string what;    // one plain sentence
};

// Replays `run` (an id or a unique prefix) of the task in `task` (a folder or its hone.toml): training runs, contenders
// that run here, and evaluations. The task, the date and the number of threads are the manifest's, whatever hone.toml
// says now; a training run that its time limit ended is replayed for as many steps. Throws Failure: bad_input naming
// the file where data or base model are not what the manifest says, unsupported for runs that cannot be replayed.
Reproduced reproduce(const Path& task, const std::string& run, std::stop_token stop, const Quiet& quiet);

}  // namespace hone::solve
