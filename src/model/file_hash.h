// SHA-256 of model files without reading them at each start.
#pragma once

#include <string>

#include "base/error.h"
#include "base/files.h"

namespace hone::model {

// The SHA-256 of `path`. It is remembered in cache_folder()/hashes under the file's path, size, times of change and
// inode and believed while none of these differ; so it identifies a file for records, but does not guard against
// someone who forges them (pull() always reads the bytes). A cache folder that cannot be written only costs time.
Result<std::string> remembered_sha256(const Path& path);

}  // namespace hone::model
