// Reading members of zip files (wheels, XLSX), bounded against zip bombs.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"

namespace hone {

Result<std::vector<std::string>> zip_members(const Path& archive);

// Extracts `member` of `archive` to `target` (write aside, rename). Refuses a member that unpacks to over `max_bytes`.
Result<void> zip_extract(const Path& archive, const std::string& member, const Path& target, std::uint64_t max_bytes);

}  // namespace hone
