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

// Replays `run` (an id or a unique prefix) of the workspace. Throws Failure (bad_input) naming the file when data or
// base model are not what the manifest says.
Reproduced reproduce(Workspace& workspace, const std::string& run, std::stop_token stop, const Quiet& quiet);

}  // namespace hone::solve
