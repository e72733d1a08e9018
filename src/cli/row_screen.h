// One row at a time before a person: what is shown of it, and how an answer is chosen.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "cli/keyboard.h"
#include "data/task.h"

namespace hone::cli {

// Writes to `out`, everything from outside made printable, within 80 columns.
class RowScreen {
 public:
  explicit RowScreen(std::FILE* out) : out_(out) {}
  void line(const std::string& text) const;
  void wrapped(const std::string& text, std::size_t indent = 0) const;
  // A text of a row, set in, its line breaks kept; of a long one the first and the last lines.
  void text(const std::string& text) const;
  // What is asked for, without a line break.
  void ask(const std::string& text) const;

 private:
  std::FILE* out_;
};

struct Choice {
  // back, unsure and quit: no answer was chosen. help is dealt with here.
  enum class Kind { answer, none, unsure, back, quit };
  Kind kind = Kind::none;
  std::string answer;
};

// Asks for an answer of the task. With at most nine labels on a terminal a digit is enough; else a line with a label's
// number, its name or the beginning of a name that no other label has; ".b", ".u" and ".q" on a line of its own are
// back, unsure and quit, "?" lists the labels. An empty line is none. Tasks without labels take the line as it is.
Choice choose_answer(Keyboard& keyboard, const RowScreen& screen, const data::Task& task);

// The label that `typed` stands for: a number from 1, a name, or the beginning of one name only, however it is written.
// Else an error that says what is near.
Result<std::string> label_typed(const std::string& typed, const std::vector<std::string>& labels);

}  // namespace hone::cli
