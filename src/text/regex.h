// Regular expressions of ECMA-262 (what JSON Schema's `pattern` means) as automata: no backtracking, so no pattern
// takes more than time in proportion to the text. What is not regular (back references) or not supported (look-around,
// word boundaries) is an error that names it.
#pragma once

#include <string_view>

#include "text/regex_automaton.h"

namespace hone::text {

// The texts in which `pattern` is found: unless anchored by ^ and $, anything may stand around. \d and \w are ASCII, \s
// Unicode's white space, . anything but line ends, as in ECMA-262; ^ and $ are the ends of the text. Errors (bad_input:
// no regular expression; unsupported) name the place in the pattern.
Result<Automaton> compile_regex(std::string_view pattern);

// The texts that `pattern` matches from their beginning to their end.
Result<Automaton> compile_whole_regex(std::string_view pattern);

}  // namespace hone::text
