// Row -> messages -> ids with a loss mask. One renderer for training, evaluation and serving.
#pragma once

#include <string>
#include <vector>

#include "data/row.h"
#include "data/task.h"
#include "text/chat_template.h"
#include "text/message.h"
#include "text/tokenizer.h"

namespace hone::data {

// The conversation a model sees for one input: system = the task's instruction (with its labels and "abstain", where
// it does not name them), user = the input. Few-shot turns are put between by conversation() (prompt_version.h).
std::vector<text::Message> messages_for(const Task& task, const std::string& input);

struct Example {
  std::string row_id;
  std::vector<text::TokenId> prompt;  // as at inference
  std::vector<text::TokenId> answer;  // the answer behind that prompt ++ end of turn; the loss is on these
  int cut_tokens = 0;                 // removed from the middle of the user's part
};

struct EncodeSpec {
  int max_tokens = 1024;  // prompt and answer together
  std::string today;      // for templates that print a date
};
Result<Example> encode_row(const Row& row, const Task& task, const text::Tokenizer& tokenizer,
                           const text::ChatTemplate& chat_template, const EncodeSpec& spec);

}  // namespace hone::data
