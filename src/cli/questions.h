// The rows `hone ask` answers, out of a text, a file or standard input.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/answer_rule.h"
#include "text/message.h"

namespace hone::cli {

struct Question {
  std::string id;
  std::string text;
  std::vector<text::Message> messages;  // where the row gives a conversation
  AnswerRule rule;                      // what the answer must be
  Result<void> usable{};                // why the row cannot be asked
};

// What a task calls the columns of its rows; empty where no task is known.
struct QuestionColumns {
  std::string input;
  std::string id;
  const AnswerRule* rule = nullptr;  // of rows that don't say what the answer must be; null: rows don't say such things
};

// A .jsonl file, or "-" for the same on standard input: the task's input column (else "input" or "text") or "messages"
// in each line, with an optional id (the task's id column, else "id", else the line's number). Any other file: a text a
// line. A bad line becomes a question that is not usable, so that none is lost. Failure where the file cannot be read.
std::vector<Question> questions_in(const std::string& file, const QuestionColumns& columns);

// Marks a question as not usable (bad_input) whose text is empty, not UTF-8 or holds a NUL, as the rows of a task may
// not either.
void check_text(Question& question);

}  // namespace hone::cli
