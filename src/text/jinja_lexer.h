// Cuts a template into tokens with Jinja's rules of white space (trim_blocks and lstrip_blocks on, as transformers has
// them).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone::text::jinja {

struct Token {
  enum class Kind : unsigned char {
    data,  // template text, white space already trimmed
    variable_begin,
    variable_end,
    block_begin,
    block_end,
    name,
    string,  // unescaped
    integer,
    real,
    symbol,  // operator or bracket
    end,
  };
  Kind kind = Kind::end;
  std::string text;
  int line = 0;
};

// Throws Failure naming the line. The last token is of kind end.
std::vector<Token> tokenize(std::string_view source);

}  // namespace hone::text::jinja
