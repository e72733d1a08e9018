#include "cli/questions.h"

#include "base/json.h"
#include "base/terminal.h"
#include "cli/input.h"

namespace hone::cli {
namespace {

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : to_text(value); }

void read_json_line(const std::string& line, const std::string& where, Question& question) {
  const Result<Json> json = parse_json(line, where);
  if (!json) {
    question.usable = tl::unexpected(json.error());
    return;
  }
  if (json->is_object() && json->contains("id")) question.id = text_of(json->at("id"));
  if (json->is_object() && json->contains("messages")) {
    auto messages = messages_from(*json, where);
    if (!messages) {
      question.usable = tl::unexpected(messages.error());
      return;
    }
    question.messages = std::move(*messages);
    return;
  }
  for (const char* key : {"input", "text"}) {
    if (!json->is_object() || !json->contains(key) || json->at(key).is_null()) continue;
    question.text = text_of(json->at(key));
    return;
  }
  question.usable =
      bad_input("{}: expected an object with \"input\" or \"messages\", as in {{\"input\": \"a text\"}}", where);
}

}  // namespace

std::vector<Question> questions_in(const std::string& file) {
  const bool is_jsonl = file == "-" || file.ends_with(".jsonl") || file.ends_with(".ndjson");
  if (file.ends_with(".csv") || file.ends_with(".tsv")) {
    fail(ErrorCode::usage,
         "{}: a table is not read by `ask`, whose lines would be taken for texts, its header too; score it with `hone "
         "eval --data`, or give a .jsonl file with {{\"input\": \"...\"}} in each line",
         printable(file));
  }
  std::vector<Question> questions;
  for_each_line(file, [&](std::size_t number, const std::string& line) {
    if (is_blank(line)) return;
    Question question;
    question.id = fmt::format("{}", number);
    if (is_jsonl) {
      read_json_line(line, fmt::format("{}:{}", file == "-" ? "standard input" : file, number), question);
    } else {
      question.text = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    }
    questions.push_back(std::move(question));
  });
  return questions;
}

}  // namespace hone::cli
