// When a row is from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hone::data {

// Seconds since 1970 (UTC) of a date as machines write it: 2026-11-25, 2026/11/25, each with or without a time
// (T or space, 14:07, 14:07:33, 14:07:33.5; Z or +02:00 behind it, else taken as UTC), and seconds or milliseconds
// since 1970 (10 and 13 digits). Nothing for anything else: 03/04/2026 is March to some and April to others.
std::optional<std::int64_t> seconds_of(std::string_view date);

}  // namespace hone::data
