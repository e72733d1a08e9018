// A conversation in a row as the columns of a case.
#pragma once

#include <optional>

#include "data/raw_rows.h"

namespace hone::data {

// Where the row holds a conversation and does not name its case itself ("input" and "output"), the conversation gives
// way to columns: "output" is the last answer of the assistant, "input" what came before it, "system" the system prompt
// where there is one. One turn of the user is its text; more turns are written out, "user: ..." and "assistant: ..."
// with an empty line between. Read are
//   {"messages": [{"role": "user", "content": "..."}, ...]}         OpenAI chat; contents may be lists of text parts
//   {"conversations": [{"from": "human", "value": "..."}, ...]}      ShareGPT
//   {"prompt": [messages], "completion": [messages]}
// Gives the form that was met. A conversation that cannot be read, or that ends without an answer, rejects the row.
std::optional<FileFormat> unfold_conversation(RawRow& row);

}  // namespace hone::data
