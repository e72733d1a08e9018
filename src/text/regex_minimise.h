// The smallest automaton of a language; private to text/regex*.cc.
#pragma once

#include "text/regex_automaton.h"

namespace hone::text {

// `full`: every state is reached from the start and reaches an accepting one. States keep no order.
ByteAutomaton minimised(const ByteAutomaton& full);

}  // namespace hone::text
