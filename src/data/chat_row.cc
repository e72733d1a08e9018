#include "data/chat_row.h"

#include <algorithm>

#include "base/json.h"
#include "base/terminal.h"

namespace hone::data {
namespace {

struct Turn {
  std::string role;
  std::string text;
};

// How the two forms call their keys.
struct Keys {
  const char* role;
  const char* text;
};
constexpr Keys openai_keys = {"role", "content"};
constexpr Keys sharegpt_keys = {"from", "value"};

std::string role_named(const std::string& name) {
  for (const char* person : {"human", "user"}) {
    if (name == person) return "user";
  }
  for (const char* machine : {"gpt", "assistant", "model", "chatgpt", "bot", "bing", "bard"}) {
    if (name == machine) return "assistant";
  }
  return name == "developer" ? "system" : name;
}

// A text, or the texts of a list of parts; none: something else stands there.
std::optional<std::string> text_in(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) return std::nullopt;
  std::string text;
  for (const Json& part : content) {
    if (!part.is_object() || !part.contains("text") || !part.at("text").is_string()) return std::nullopt;
    text += part.at("text").get<std::string>();
  }
  return text;
}

// The turns of `list`, or the sentence that says what is wrong with it.
Result<std::vector<Turn>> turns_of(const std::string& column, const std::string& list, const Keys& keys) {
  const Result<Json> json = parse_json(list, column);
  if (!json) return tl::unexpected<Error>(json.error());
  std::vector<Turn> turns;
  for (const Json& item : *json) {
    const std::size_t number = turns.size() + 1;
    if (!item.is_object() || !item.contains(keys.role) || !item.at(keys.role).is_string()) {
      return bad_input("\"{}\": message {} has no \"{}\"; expected {{\"{}\": ..., \"{}\": ...}}", column, number,
                       keys.role, keys.role, keys.text);
    }
    const std::string role = role_named(item.at(keys.role).get<std::string>());
    const Json content = item.value(keys.text, Json());
    if (content.is_null() && item.contains("tool_calls")) {
      turns.push_back({role, to_text(item.at("tool_calls"))});
      continue;
    }
    std::optional<std::string> text = text_in(content);
    if (!text) return bad_input("\"{}\": message {} has no text as \"{}\"", column, number, keys.text);
    turns.push_back({role, std::move(*text)});
  }
  return turns;
}

std::string written_out(const std::vector<Turn>& turns) {
  if (turns.size() == 1 && turns.front().role == "user") return turns.front().text;
  std::string text;
  for (const Turn& turn : turns) text += (text.empty() ? "" : "\n\n") + turn.role + ": " + turn.text;
  return text;
}

void add_text(RawRow& row, const char* name, std::string text) {
  row.values.emplace_back(name, RawValue{ValueType::text, std::move(text)});
}

// Puts the case that `turns` hold into the row.
void add_case(RawRow& row, const std::string& column, std::vector<Turn> turns) {
  std::string system;
  while (!turns.empty() && turns.front().role == "system") {
    system += (system.empty() ? "" : "\n\n") + turns.front().text;
    turns.erase(turns.begin());
  }
  while (!turns.empty() && turns.back().role != "assistant") {
    if (turns.back().role == "user") {
      return row.reject("no-answer",
                        fmt::format("\"{}\": the last turn is the user's, so there is no answer to learn", column));
    }
    turns.pop_back();
  }
  if (turns.size() < 2) {
    return row.reject("no-answer", fmt::format("\"{}\": expected a turn of the user and one of the assistant", column));
  }
  std::string output = std::move(turns.back().text);
  turns.pop_back();
  if (!system.empty()) add_text(row, "system", std::move(system));
  add_text(row, "input", written_out(turns));
  add_text(row, "output", std::move(output));
}

bool holds_list(const RawRow& row, const char* column) {
  const RawValue* value = row.find(column);
  return value != nullptr && value->type == ValueType::structure && value->text.starts_with("[{");
}

std::string take_out(RawRow& row, const std::string& column) {
  const auto found =
      std::find_if(row.values.begin(), row.values.end(), [&](const auto& value) { return value.first == column; });
  std::string text = std::move(found->second.text);
  row.values.erase(found);
  return text;
}

}  // namespace

std::optional<FileFormat> unfold_conversation(RawRow& row) {
  if (!row.why.empty()) return std::nullopt;
  std::optional<FileFormat> form;
  Result<std::vector<Turn>> turns;
  std::string column;
  for (const char* name : {"messages", "conversations", "conversation"}) {
    if (form || !holds_list(row, name)) continue;
    if (row.find("input") != nullptr && row.find("output") != nullptr) return std::nullopt;
    const std::string list = take_out(row, column = name);
    const bool is_sharegpt = list.find("\"from\":") != std::string::npos && list.find("\"role\":") == std::string::npos;
    form = is_sharegpt ? FileFormat::sharegpt : FileFormat::openai_chat;
    turns = turns_of(column, list, is_sharegpt ? sharegpt_keys : openai_keys);
  }
  if (!form && holds_list(row, "prompt") && holds_list(row, "completion")) {
    form = FileFormat::prompt_completion;
    turns = turns_of("prompt", take_out(row, "prompt"), openai_keys);
    const auto answer = turns_of(column = "completion", take_out(row, "completion"), openai_keys);
    if (turns && answer) turns->insert(turns->end(), answer->begin(), answer->end());
    if (!answer) turns = tl::unexpected<Error>(answer.error());
  }
  if (!form) return std::nullopt;
  if (turns) {
    add_case(row, column, std::move(*turns));
  } else {
    row.reject("malformed", printable(turns.error().message));
  }
  return form;
}

}  // namespace hone::data
