#include "text/message.h"

#include "base/terminal.h"

namespace hone::text {
namespace {

// The first is what templates read.
constexpr const char* reasoning_names[] = {"reasoning_content", "thinking", "reasoning"};

void name_reasoning(Json& fields) {
  for (const char* name : reasoning_names) {
    const auto found = fields.find(name);
    if (found == fields.end()) continue;
    const Json reasoning = *found;
    fields["reasoning_content"] = reasoning;
    if (!fields.contains("thinking")) fields["thinking"] = reasoning;
    return;
  }
}

}  // namespace

std::vector<std::string> labels_of(const AnswerSpec& answer) {
  std::vector<std::string> labels = answer.labels;
  if (answer.abstain) labels.emplace_back("abstain");
  return labels;
}

Result<Message> message_from_json(const Json& json, std::string_view where) {
  const auto refused = [&](std::string_view expected) {
    return bad_input("{}: each message needs \"role\" and \"content\"{}, but one is {}", printable(where), expected,
                     clipped(to_text(json), 80));
  };
  if (!json.is_object() || !json.contains("role") || !json.at("role").is_string()) return refused("");
  Message message;
  bool has_content = false;
  for (const auto& [name, value] : json.items()) {
    if (name == "role") {
      message.role = value.get<std::string>();
    } else if (name == "content" && value.is_string()) {
      message.content = value.get<std::string>();
      has_content = true;
    } else if (name == "content" && !value.is_null() && !value.is_array()) {
      return refused(" (a text, or a list of parts)");
    } else if (!value.is_null()) {
      message.fields[name] = value;
    }
  }
  if (!has_content && message.fields.is_null()) return refused("");
  if (message.fields.is_object()) name_reasoning(message.fields);
  return message;
}

}  // namespace hone::text
