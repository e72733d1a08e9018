#include "solve/machine.h"

#include <linear.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>

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

// A file of one number; "max" and what is not there: the largest one.
std::uint64_t number_in(const char* path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  return file >> number ? number : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

std::uint64_t available_memory_bytes() {
  std::uint64_t available = std::numeric_limits<std::uint64_t>::max();
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("MemAvailable:")) available = std::strtoull(line.c_str() + 13, nullptr, 10) * 1024;
  }
  const std::uint64_t most = number_in("/sys/fs/cgroup/memory.max");
  const std::uint64_t used = number_in("/sys/fs/cgroup/memory.current");
  return most > used ? std::min(available, most - used) : available;
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
