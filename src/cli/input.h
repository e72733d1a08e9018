// What commands read besides their task: lines of a file, a pipe or standard input, and conversations in them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/message.h"

namespace hone::cli {

// Calls `use` with each line (without its line feed) and its number from 1, as it comes. "-" is standard input. Failure
// (bad_input) where `name` cannot be read.
void for_each_line(const std::string& name,
                   const std::function<void(std::size_t number, const std::string& line)>& use);

// All of standard input, without one line feed at its end.
std::string standard_input();

// Whether a line holds nothing but white space.
bool is_blank(const std::string& line);

// The conversation in `json`: a list of messages as text::message_from_json reads them, or an object with such a list
// as "messages".
Result<std::vector<text::Message>> messages_from(const Json& json, const std::string& where);

}  // namespace hone::cli
