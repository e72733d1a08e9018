// How findings are shown by `data check` and `diagnose`.
#pragma once

#include <vector>

#include "data/finding.h"

namespace hone::cli {

// {"findings": [...]}
Json findings_json(const std::vector<data::Finding>& findings);
// The same for people, within 80 columns; `none` where there are none.
void print_findings(const std::vector<data::Finding>& findings, const std::string& none);

}  // namespace hone::cli
