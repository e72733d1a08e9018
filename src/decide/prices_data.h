// The dated prices that are built into the binary, as JSON text.
#pragma once

#include <string_view>

namespace hone::decide {

std::string_view built_in_price_text();

}  // namespace hone::decide
