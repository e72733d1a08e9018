#include "data/encode.h"

#include <algorithm>

#include "data/label_names.h"
#include "data/normal_text.h"
#include "text/prompt_encoding.h"

namespace hone::data {
namespace {

// The instruction, and on a line of its own what it leaves unsaid of the answers: labels, and that the model may
// abstain.
std::string system_text(const Task& task) {
  if (task.kind != Kind::classify) return task.instruction;
  const std::string instruction = folded_text(task.instruction);
  const bool names_all = std::all_of(task.labels.begin(), task.labels.end(),
                                     [&](const std::string& label) { return names_label(instruction, label); });
  const bool may_abstain = task.abstain && !names_label(instruction, "abstain");
  if (names_all || !task.list_labels) {
    return task.instruction + (may_abstain ? "\nAnswer abstain if you cannot tell." : "");
  }
  std::string list;
  for (const std::string& label : task.labels) list += (list.empty() ? "" : ", ") + label;
  return task.instruction + "\nAnswer with one of: " + list + (may_abstain ? "; or abstain if you cannot tell." : ".");
}

}  // namespace

std::vector<text::Message> messages_for(const Task& task, const std::string& input) {
  return {{"system", system_text(task)}, {"user", input}};
}

Result<Example> encode_row(const Row& row, const Task& task, const text::Tokenizer& tokenizer,
                           const text::ChatTemplate& chat_template, const EncodeSpec& spec) {
  Result<std::vector<text::TokenId>> answer = text::encode_answer(row.output, tokenizer, chat_template);
  if (!answer) return tl::unexpected<Error>(answer.error());
  const int left = spec.max_tokens - static_cast<int>(answer->size());
  if (left <= 0) {
    return bad_input(
        "row {}: the answer alone has {} tokens, as many as the {} that prompt and answer may have together", row.id,
        answer->size(), spec.max_tokens);
  }
  text::PromptSpec prompt_spec;
  prompt_spec.max_tokens = left;
  prompt_spec.today = spec.today;
  Result<text::EncodedPrompt> prompt =
      text::encode_prompt(messages_for(task, row.input), tokenizer, chat_template, prompt_spec);
  if (!prompt) return bad_input("row {}: {}", row.id, prompt.error().message);
  return Example{row.id, std::move(prompt->ids), std::move(*answer), prompt->cut_tokens};
}

}  // namespace hone::data
