// How findings are shown by `data check` and `diagnose`.
#pragma once

#include <vector>

#include "data/finding.h"

namespace hone::cli {

// {"findings": [...]} or readable text.
void print_findings(const std::vector<data::Finding>& findings, bool json);

}  // namespace hone::cli
