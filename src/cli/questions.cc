#include "cli/questions.h"

#include "base/json.h"
#include "base/terminal.h"
#include "cli/input.h"
#include "data/column_template.h"
#include "data/json_row.h"
#include "data/normal_text.h"

namespace hone::cli {
namespace {

// The first of these columns that the row has a value in; null: none.
const data::RawValue* first_of(const data::RawRow& row, std::initializer_list<std::string> names) {
  for (const std::string& name : names) {
    const data::RawValue* value = name.empty() ? nullptr : row.find(name);
    if (value != nullptr && value->type != data::ValueType::null) return value;
  }
  return nullptr;
}

void read_json_line(const std::string& line, const std::string& where, const QuestionColumns& columns,
                    Question& question) {
  const Result<Json> json = parse_json(line, where);
  if (!json) {
    question.usable = tl::unexpected(json.error());
    return;
  }
  if (columns.rule != nullptr && json->is_object()) {
    Result<std::optional<AnswerRule>> rule = rule_of_row(*json, *columns.rule, where);
    if (!rule) {
      question.usable = tl::unexpected(rule.error());
      return;
    }
    if (*rule) question.rule = std::move(**rule);
  }
  const data::RawRow row = data::json_row(line);
  if (const data::RawValue* id = first_of(row, {columns.id, "id"})) question.id = id->text;
  const data::ColumnTemplate input = value_or_throw(data::ColumnTemplate::parse(columns.input));
  if (!input.is_one_column() && row.why.empty()) {
    question.text = input.fill(row);
    if (!question.text.empty()) return;
  } else if (const data::RawValue* text = first_of(row, {columns.input})) {
    question.text = text->text;
    return;
  }
  if (json->is_object() && json->contains("messages")) {
    auto messages = messages_from(*json, where);
    if (!messages) {
      question.usable = tl::unexpected(messages.error());
      return;
    }
    question.messages = std::move(*messages);
    return;
  }
  if (const data::RawValue* text = first_of(row, {"input", "text"})) {
    question.text = text->text;
    return;
  }
  const std::string name = printable(columns.input.empty() ? "input" : columns.input);
  question.usable = json->is_object() && !row.why.empty()
                        ? bad_input("{}: {}", where, row.why)
                        : bad_input("{}: expected an object with \"{}\" or \"messages\", as in {{\"{}\": \"a text\"}}",
                                    where, name, name);
}

bool is_empty(const std::string& text) { return data::canonical_text(text).empty(); }

}  // namespace

void check_text(Question& question) {
  if (!question.usable) return;
  std::vector<const std::string*> texts;
  for (const auto& message : question.messages) texts.push_back(&message.content);
  if (question.messages.empty()) texts.push_back(&question.text);
  for (const std::string* text : texts) {
    std::size_t bad_at = 0;
    if (!is_utf8(*text, &bad_at)) {
      question.usable = bad_input("the text is not UTF-8: byte 0x{:02X} at position {}",
                                  static_cast<unsigned char>((*text)[bad_at]), bad_at + 1);
    } else if (text->find('\0') != std::string::npos) {
      question.usable = bad_input("the text holds a NUL character at position {}; remove it", text->find('\0') + 1);
    }
  }
  // Tool calls, or parts in place of a text, are something to ask about.
  const bool has_more = std::any_of(question.messages.begin(), question.messages.end(),
                                    [](const text::Message& message) { return !message.fields.is_null(); });
  const bool all_empty =
      !has_more && std::all_of(texts.begin(), texts.end(), [](const std::string* text) { return is_empty(*text); });
  if (question.usable && all_empty) question.usable = bad_input("the text is empty, so there is nothing to ask");
}

std::vector<Question> questions_in(const std::string& file, const QuestionColumns& columns) {
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
    if (columns.rule != nullptr) question.rule = *columns.rule;
    if (is_jsonl) {
      read_json_line(line, fmt::format("{}:{}", file == "-" ? "standard input" : file, number), columns, question);
    } else {
      question.text = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    }
    check_text(question);
    questions.push_back(std::move(question));
  });
  return questions;
}

}  // namespace hone::cli
