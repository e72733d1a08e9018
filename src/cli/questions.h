// The rows `hone ask` answers, out of a text, a file or standard input.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "text/message.h"

namespace hone::cli {

struct Question {
  std::string id;
  std::string text;
  std::vector<text::Message> messages;  // where the row gives a conversation
  Result<void> usable{};                // why the row cannot be asked
};

// A .jsonl file, or "-" for the same on standard input: "input" (or "text") or "messages" in each line, with an
// optional "id" (else the line's number). Any other file: a text a line. A bad line becomes a question that is not
// usable, so that none is lost. Failure where the file cannot be read.
std::vector<Question> questions_in(const std::string& file);

}  // namespace hone::cli
