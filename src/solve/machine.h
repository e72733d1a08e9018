// What this program and this machine are, as a run's manifest names them: whoever wants the same bits again needs them.
#pragma once

#include <cstdint>

#include "base/json.h"

namespace hone::solve {

// {version, build: the first 16 hex of the running program's SHA-256}
Json program_facts();
// {cpu, cores, kernels, precision, libraries: {onednn, highway, liblinear}}
Json machine_facts();

// Memory that a program can still take without swapping: what the kernel says, or less where a cgroup or a limit on the
// address space (ulimit -v) allows less.
std::uint64_t available_memory_bytes();

}  // namespace hone::solve
