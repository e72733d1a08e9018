// Where JSON text under a schema had a choice among few values: members held to enumerations, booleans, small ranges.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_schema_matcher.h"

namespace hone::text {

// What a member's value may be, where that is little.
struct FewValues {
  std::vector<std::string> values;  // JSON texts of all that the schema allows there, given the text before
  std::vector<std::string> behind;  // of each: the bytes that may follow it
};

// The values that may come behind a member's colon, where they are at most `most` words, numbers and strings of no more
// than 8 KiB together. Nothing elsewhere. Of a matcher's state that is at_member_value().
std::optional<FewValues> few_values(JsonMatcher& matcher, JsonMatcher::State state, std::size_t most);

struct JsonChoice {
  std::string pointer;           // of the member (RFC 6901)
  std::size_t begin = 0;         // of its value in the text
  JsonMatcher::State state = 0;  // there
  FewValues few;
};

// The members of `text` whose value may be one of few_values(), in the order of the text; `text` is one that `matcher`
// accepts from its start. Members of members, and of objects in arrays, are among them.
std::vector<JsonChoice> json_choices(JsonMatcher& matcher, std::string_view text, std::size_t most);

}  // namespace hone::text
