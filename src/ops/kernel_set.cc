#include "ops/kernel_set.h"

#include <dnnl.h>
#include <fmt/format.h>
#include <hwy/highway.h>

namespace hone::ops {

KernelSet kernel_set() {
  KernelSet set;
  // Best first.
  const auto targets = hwy::SupportedAndGeneratedTargets();
  set.target = targets.empty() ? "none" : hwy::TargetName(targets.front());
  const dnnl_version_t* version = dnnl_version();
  set.onednn = fmt::format("{}.{}.{}, isa {}", version->major, version->minor, version->patch,
                           static_cast<int>(dnnl_get_effective_cpu_isa()));
  set.highway = fmt::format("{}.{}.{}", HWY_MAJOR, HWY_MINOR, HWY_PATCH);
  return set;
}

}  // namespace hone::ops
