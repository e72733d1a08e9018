// The dated prices that are built into the binary, as JSON text: src/decide/prices.json.
//
// USD per million tokens, as published. "second-hand" marks what was not read at the vendor's or a price tracker's
// page.
#pragma once

#include <string_view>

namespace hone::decide {

std::string_view built_in_price_text();

}  // namespace hone::decide
