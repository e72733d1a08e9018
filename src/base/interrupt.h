// Ctrl-C as a std::stop_token: the first SIGINT or SIGTERM asks for a stop, a second one ends the process at once.
#pragma once

#include <stop_token>

namespace hone {

// Installs the handlers on the first call. The token lives as long as the process.
std::stop_token interrupt_token();

}  // namespace hone
