// Which kernels the ops run with on this machine: part of what a run's manifest says, since other kernels round
// otherwise.
#pragma once

#include <string>

namespace hone::ops {

struct KernelSet {
  std::string target;   // instruction set of the dispatched kernels, as Highway names it ("AVX3_DL")
  std::string onednn;   // version, and the instruction set it may use at most ("2.6.3, isa 1023")
  std::string highway;  // version
};
KernelSet kernel_set();

}  // namespace hone::ops
