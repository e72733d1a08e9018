#include "solve/machine.h"

#include <linear.h>

#include <fstream>

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

}  // namespace

Json program_facts() {
  const auto hash = sha256_file("/proc/self/exe");
  return {{"version", HONE_VERSION}, {"build", hash ? hash->substr(0, 16) : "unknown"}};
}

Json machine_facts() {
  const ops::KernelSet kernels = ops::kernel_set();
  return {{"cpu", cpu_name()},
          {"cores", available_cores()},
          {"kernels", kernels.target},
          {"precision", "f32"},  // weights are widened when a model is opened
          {"libraries",
           {{"onednn", kernels.onednn},
            {"highway", kernels.highway},
            {"liblinear", fmt::format("{}.{}", LIBLINEAR_VERSION / 100, LIBLINEAR_VERSION % 100)}}}};
}

}  // namespace hone::solve
