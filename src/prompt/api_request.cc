#include "prompt/api_request.h"

namespace hone::prompt {
namespace {

constexpr double bytes_a_token = 4;

}  // namespace

std::string api_instruction(const data::Task& task) {
  if (task.kind == data::Kind::text) return task.instruction;
  if (task.kind == data::Kind::json) {
    const std::string form = "\n\nAnswer with one JSON document and nothing else, without a code fence.";
    return task.instruction + form + (task.schema.empty() ? "" : " It satisfies this JSON Schema:\n" + task.schema);
  }
  std::string text = task.instruction + "\n\nAnswer with exactly one of these labels, as written, and nothing else:";
  for (const std::string& label : task.labels) text += "\n" + label;
  if (task.abstain) text += "\nIf none of them can be told, answer: abstain";
  return text;
}

text::Request api_request(const data::Task& task, const RequestMaker& maker, const data::Row& row) {
  text::Request request = maker(row);
  HONE_CHECK(!request.messages.empty() && request.messages.front().role == "system");
  request.messages.front().content = api_instruction(task);
  return request;
}

Json chat_body(const text::Request& request, const ApiAsking& asking) {
  Json messages = Json::array();
  for (const auto& message : request.messages)
    messages.push_back({{"role", message.role}, {"content", message.content}});
  Json body = {{"model", asking.model}, {"messages", std::move(messages)}};
  if (asking.temperature) body["temperature"] = *asking.temperature;
  body[asking.max_tokens_field] = asking.max_tokens;
  if (!asking.response_format.is_null()) body["response_format"] = asking.response_format;
  return body;
}

double about_prompt_tokens(const text::Request& request) {
  double tokens = 3;
  for (const auto& message : request.messages)
    tokens += 4 + static_cast<double>(message.content.size()) / bytes_a_token;
  return tokens;
}

double most_prompt_tokens(const text::Request& request) {
  double tokens = 16;
  for (const auto& message : request.messages) tokens += 16 + static_cast<double>(message.content.size());
  return tokens;
}

double about_completion_tokens(const data::Task& task, std::span<const data::Row> rows) {
  double bytes = 0;
  for (const auto& row : rows) bytes += static_cast<double>(row.output.size());
  const double mean = rows.empty() ? 8 : bytes / static_cast<double>(rows.size());
  return 2 + mean / (task.kind == data::Kind::json ? 3 : bytes_a_token);
}

}  // namespace hone::prompt
