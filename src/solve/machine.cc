#include "solve/machine.h"

#include <linear.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "base/files.h"
#include "base/hash.h"
#include "base/threads.h"
#include "ops/kernel_set.h"

namespace hone::solve {
namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

// A file of one number; "max" and what is not there: unlimited.
std::uint64_t number_in(const Path& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  return file >> number ? number : unlimited;
}

std::uint64_t left_of(std::uint64_t most, std::uint64_t used) {
  return most == unlimited ? unlimited : most > used ? most - used : 0;
}

// What the tightest of this process's cgroup and those above it leaves (version 2; a line of its own, "0::/path").
std::uint64_t left_in_cgroups() {
  const Path root = "/sys/fs/cgroup";
  std::uint64_t left = left_of(number_in(root / "memory.max"), number_in(root / "memory.current"));
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;
    for (Path group = Path(line.substr(4)); !group.empty(); group = group.parent_path())
      left =
          std::min(left, left_of(number_in(root / group / "memory.max"), number_in(root / group / "memory.current")));
  }
  return left;
}

// What `ulimit -v` leaves. Addresses are also taken by what is only reserved: as much again as the heap that the C
// library sets aside for a thread.
std::uint64_t left_of_address_space() {
  constexpr std::uint64_t reserved = std::uint64_t{64} << 20;
  rlimit limit = {};
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || !(file >> pages)) return unlimited;
  return left_of(limit.rlim_cur, reserved + pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

}  // namespace

std::uint64_t available_memory_bytes() {
  std::uint64_t available = unlimited;
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("MemAvailable:")) available = std::strtoull(line.c_str() + 13, nullptr, 10) * 1024;
  }
  return std::min({available, left_in_cgroups(), left_of_address_space()});
}

Json program_facts() {
  const auto hash = sha256_file("/proc/self/exe");
  return {{"version", HONE_VERSION}, {"build", hash ? hash->substr(0, 16) : "unknown"}};
}

Json machine_facts() {
  const ops::KernelSet kernels = ops::kernel_set();
  return {{"cpu", cpu_name()},
          {"cores", available_cores()},
          {"kernels", kernels.target},
          {"precision", "f32"},  // of products; in what form the base is kept stands beside it
          {"libraries",
           {{"onednn", kernels.onednn},
            {"highway", kernels.highway},
            {"liblinear", fmt::format("{}.{}", LIBLINEAR_VERSION / 100, LIBLINEAR_VERSION % 100)}}}};
}

}  // namespace hone::solve
