// A file whose bytes lie in several places, so that a large one need not be put together in memory first.
#pragma once

#include <span>

#include "base/files.h"

namespace hone {

// As write_file() with all parts, one after another.
void write_parts(const Path& path, std::span<const std::string_view> parts);

}  // namespace hone
