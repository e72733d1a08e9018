#include "model/export_modelfile.h"

#include <algorithm>

#include "text/prompt_encoding.h"

namespace hone::model {
namespace {

constexpr std::string_view system_mark = "HONESYSTEMTEXT";
constexpr std::string_view input_mark = "HONEINPUTTEXT";
constexpr std::string_view answer_mark = "HONEANSWERTEXT";
constexpr std::string_view next_mark = "HONENEXTINPUT";

// `text` in Go's template language, which reads "{{".
std::string literal(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "{{") == 0) {
      out += "{{ \"{{\" }}";
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<std::string> rendered(const ModelfileInput& input, const std::vector<text::Message>& messages) {
  const auto prompt = text::encode_prompt(messages, *input.tokenizer, *input.chat_template,
                                          {.max_tokens = 1 << 20, .today = input.today, .extra = {}});
  if (!prompt) return std::nullopt;
  std::string text = prompt->rendered;
  const auto bos = input.tokenizer->bos();
  if (bos && input.tokenizer->add_bos()) {
    const std::string_view spelled = input.tokenizer->token_bytes(*bos);
    if (text.starts_with(spelled)) text.erase(0, spelled.size());
  }
  return text;
}

// What stands before, between and after marks that must come once each, in order.
std::optional<std::vector<std::string>> around(const std::string& text, std::span<const std::string_view> marks) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (const std::string_view mark : marks) {
    const std::size_t found = text.find(mark, at);
    if (found == std::string::npos || text.find(mark, found + 1) != std::string::npos) return std::nullopt;
    parts.push_back(text.substr(at, found - at));
    at = found + mark.size();
  }
  parts.push_back(text.substr(at));
  return parts;
}

// Ollama renders a turn at a time: the system message comes with the first only, and what ends an answer stands before
// the next input.
std::optional<std::string> go_template(const ModelfileInput& input) {
  const text::Message system{"system", std::string(system_mark)};
  const text::Message user{"user", std::string(input_mark)};
  const text::Message answer{"assistant", std::string(answer_mark)};
  const text::Message next{"user", std::string(next_mark)};
  const auto one = rendered(input, {system, user});
  const auto two = rendered(input, {system, user, answer, next});
  if (!one || !two) return std::nullopt;
  const std::string_view first_marks[] = {system_mark, input_mark};
  const std::string_view all_marks[] = {system_mark, input_mark, answer_mark, next_mark};
  const auto first = around(*one, first_marks);
  const auto turns = around(*two, all_marks);
  if (!first || !turns || (*first)[2] != (*turns)[2] || (*first)[2] != (*turns)[4]) return std::nullopt;
  return fmt::format(
      "{{{{ if .System }}}}{}{{{{ .System }}}}{}{{{{ else }}}}{}{{{{ end }}}}{{{{ .Prompt }}}}{}{{{{ "
      ".Response }}}}",
      literal((*first)[0]), literal((*first)[1]), literal((*turns)[3]), literal((*first)[2]));
}

}  // namespace

// A Modelfile's text in three quotes holds anything but three quotes.
bool can_be_quoted(const std::string& text) {
  return text.find("\"\"\"") == std::string::npos && !text.ends_with('"') && !text.starts_with('"');
}

std::string modelfile(const ModelfileInput& input) {
  std::string out = fmt::format("FROM {}\n", input.from);
  if (!input.adapter.empty()) out += fmt::format("ADAPTER {}\n", input.adapter);
  // The template counts on the SYSTEM below: without one it would begin a conversation as it goes on with one.
  const bool has_system =
      !input.before.empty() && input.before.front().role == "system" && can_be_quoted(input.before.front().content);
  const std::optional<std::string> words = has_system ? go_template(input) : std::nullopt;
  if (words && can_be_quoted(*words)) {
    out += fmt::format("TEMPLATE \"\"\"{}\"\"\"\n", *words);
  } else {
    out += "# No TEMPLATE: Ollama goes by the chat template inside the GGUF file.\n";
  }
  for (const text::Message& message : input.before) {
    const std::string what = message.role == "system" ? "SYSTEM" : "MESSAGE " + message.role;
    if (can_be_quoted(message.content)) {
      out += fmt::format("{} \"\"\"{}\"\"\"\n", what, message.content);
    } else {
      out += fmt::format("# Left out, because it holds three quotes or begins or ends with one: {}\n", what);
    }
  }
  out += fmt::format("PARAMETER temperature 0\nPARAMETER num_ctx {}\n", input.context);
  const auto end = text::turn_end(*input.tokenizer, *input.chat_template);
  if (end) out += fmt::format("PARAMETER stop \"{}\"\n", input.tokenizer->token_bytes(*end));
  return out;
}

}  // namespace hone::model
