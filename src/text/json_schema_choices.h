// Where JSON text under a schema had a choice among few values: members held to enumerations, booleans, small ranges.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/json_schema_matcher.h"

namespace hone::text {

struct JsonChoice {
  std::string pointer;              // of the member (RFC 6901)
  std::size_t begin = 0;            // of its value in the text
  std::vector<std::string> values;  // JSON texts of all that the schema allows there, given the text before
  std::vector<char> behind;         // for each: a byte that may follow it, that of the text where it may
};

// The members of `text` whose value may be one of at most `most` words, numbers and strings, in the order of the text;
// `text` is one that `matcher` accepts from its start. Members of members, and of objects in arrays, are among them.
// Left out are those whose values take more than 8 KiB together.
std::vector<JsonChoice> json_choices(JsonMatcher& matcher, std::string_view text, std::size_t most);

}  // namespace hone::text
