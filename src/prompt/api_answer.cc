#include "prompt/api_answer.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/terminal.h"
#include "data/normal_text.h"

namespace hone::prompt {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

// A member of an object, or null.
const Json* member(const Json* json, const char* key) {
  if (json == nullptr || !json->is_object()) return nullptr;
  const auto found = json->find(key);
  return found == json->end() ? nullptr : &*found;
}

std::string text_of(const Json* json) {
  return json != nullptr && json->is_string() ? json->get<std::string>() : std::string();
}

// Content is a text, or a list of parts of which some are texts.
std::string content_of(const Json* content) {
  if (content == nullptr || !content->is_array()) return text_of(content);
  std::string text;
  for (const Json& part : *content) text += text_of(member(&part, "text"));
  return text;
}

std::optional<int> count_of(const Json* json) {
  if (json == nullptr || !json->is_number() || !(json->get<double>() >= 0)) return std::nullopt;
  return static_cast<int>(std::min(json->get<double>(), 1e9));
}

std::optional<ApiUsage> usage_of(const Json* json) {
  const auto prompt = count_of(member(json, "prompt_tokens"));
  const auto completion = count_of(member(json, "completion_tokens"));
  if (!prompt || !completion) return std::nullopt;
  const Json* details = member(json, "prompt_tokens_details");
  ApiUsage usage{.prompt = *prompt, .completion = *completion};
  usage.cached = std::min(usage.prompt, count_of(member(details, "cached_tokens")).value_or(0));
  usage.cache_write =
      std::min(usage.prompt - usage.cached, count_of(member(details, "cache_write_tokens")).value_or(0));
  return usage;
}

// One layer of dress taken off: quotes, Markdown, a list or heading mark, a full stop.
std::string_view undressed(std::string_view text) {
  using Pair = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Pair, 10> pairs = {{{"**", "**"},
                                           {"__", "__"},
                                           {"*", "*"},
                                           {"_", "_"},
                                           {"`", "`"},
                                           {"\"", "\""},
                                           {"'", "'"},
                                           {"\u201c", "\u201d"},
                                           {"\u2018", "\u2019"},
                                           {"\u00ab", "\u00bb"}}};
  if (const auto inside = without_fence(text); inside.size() != text.size()) return trimmed(inside);
  for (const auto& [open, close] : pairs) {
    if (text.size() > open.size() + close.size() && text.starts_with(open) && text.ends_with(close))
      return trimmed(text.substr(open.size(), text.size() - open.size() - close.size()));
  }
  if (text.size() > 1 && text.ends_with('.')) return trimmed(text.substr(0, text.size() - 1));
  const std::size_t mark = text.find_first_not_of('#');
  if (mark > 0 && mark != std::string_view::npos && text[mark] == ' ') return trimmed(text.substr(mark));
  if (text.starts_with("- ") || text.starts_with("> ")) return trimmed(text.substr(2));
  return text;
}

std::optional<std::string> label_equal_to(std::string_view text, const std::vector<std::string>& labels) {
  if (const auto same = std::find(labels.begin(), labels.end(), text); same != labels.end()) return *same;
  const std::string lowered = data::lowered_text(text);
  std::optional<std::string> found;
  for (const std::string& label : labels) {
    if (data::lowered_text(label) != lowered) continue;
    if (found) return std::nullopt;  // "US" and "us": nobody can tell which one "Us" means
    found = label;
  }
  return found;
}

}  // namespace

Result<ApiAnswer> read_chat_answer(std::string_view body) {
  const auto json = parse_json(body, "the answer");
  if (!json) return tl::unexpected(json.error());
  const Json* choices = member(&*json, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty())
    return bad_input("the answer has no \"choices\"; is this a chat/completions endpoint?");
  const Json* message = member(&choices->front(), "message");
  if (message == nullptr) return bad_input("the answer's first choice has no \"message\"");
  ApiAnswer answer;
  answer.text = content_of(member(message, "content"));
  if (answer.text.empty()) answer.text = text_of(member(message, "refusal"));
  answer.finish = text_of(member(&choices->front(), "finish_reason"));
  answer.usage = usage_of(member(&*json, "usage"));
  return answer;
}

std::string error_text_in(std::string_view body) {
  constexpr std::size_t columns = 200;
  if (const auto json = parse_json(body, "error")) {
    const Json* error = member(&*json, "error");
    for (const Json* place : {member(error, "message"), error, member(&*json, "message"), member(&*json, "detail")}) {
      if (const std::string text = text_of(place); !text.empty()) return clipped(text, columns);
    }
  }
  return clipped(trimmed(body), columns);
}

std::string error_code_in(std::string_view body) {
  const auto json = parse_json(body, "error");
  return json ? text_of(member(member(&*json, "error"), "code")) : std::string();
}

std::string_view without_thinking(std::string_view answer) {
  constexpr std::string_view close = "</think>";
  if (!trimmed(answer).starts_with("<think>")) return answer;
  const std::size_t end = answer.find(close);
  return end == std::string_view::npos ? std::string_view() : trimmed(answer.substr(end + close.size()));
}

std::string_view without_fence(std::string_view answer) {
  constexpr std::string_view fence = "```";
  const std::string_view whole = trimmed(answer);
  if (whole.size() < 2 * fence.size() || !whole.starts_with(fence) || !whole.ends_with(fence)) return answer;
  std::string_view inside = whole.substr(fence.size(), whole.size() - 2 * fence.size());
  const std::size_t line = inside.find('\n');
  // What stands on the fence's own line is the language.
  if (line != std::string_view::npos && inside.substr(0, line).find_first_of(" {[\"") == std::string_view::npos)
    inside.remove_prefix(line + 1);
  return trimmed(inside);
}

std::optional<std::string> label_in(std::string_view answer, const text::AnswerSpec& spec) {
  const std::vector<std::string> labels = text::labels_of(spec);
  std::string_view text = trimmed(answer);
  for (int layers = 0; layers < 6 && !text.empty(); ++layers) {
    if (auto label = label_equal_to(text, labels)) return label;
    const std::string_view barer = undressed(text);
    if (barer.size() == text.size()) break;
    text = barer;
  }
  return std::nullopt;
}

}  // namespace hone::prompt
