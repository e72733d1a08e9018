// The number of a token in a model's vocabulary.
#pragma once

#include <cstdint>

namespace hone::text {

using TokenId = std::int32_t;
// Stands for "no token" inside tables; never given out.
inline constexpr TokenId no_token = -1;

}  // namespace hone::text
