// A regular expression as a tree; private to text/regex*.cc.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/regex_utf8.h"

namespace hone::text {

struct RegexNode {
  enum class Kind { characters, sequence, choice, repeat, begin, end };
  Kind kind = Kind::sequence;
  CharacterSet characters;
  std::vector<RegexNode> parts;  // sequence, choice; of a repeat its one body
  int least = 0;                 // repeat
  int most = -1;                 // repeat; -1: without end
};

// Throws Failure (bad_input or unsupported).
RegexNode parse_regex(std::string_view pattern);

// \d, \w, \s and their complements by their letter; nothing for any other letter.
std::optional<CharacterSet> class_escape(char letter);

}  // namespace hone::text
