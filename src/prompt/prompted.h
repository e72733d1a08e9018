// Prompted contenders: which worked examples to show, and the request a row becomes.
#pragma once

#include <memory>
#include <span>

#include "classic/classic.h"
#include "data/prompt_version.h"

namespace hone::prompt {

// No worked examples.
data::PromptVersion zero_shot();

// `k` rows of `train`, the same for every input: labels in turn, within a label rows of at most median length drawn by
// `seed`, so that the block is short and no label dominates.
data::PromptVersion few_shot(std::span<const data::Row> train, const data::Task& task, int k);

// The `k` training rows nearest to each input by BM25, nearest last.
data::PromptVersion knn_few_shot(int k);

// Turns rows into requests. `train` and `index` are needed for kNN few-shot only, and outlive the object. `max_tokens`
// limits free text answers; 0: AnswerSpec's default.
class RequestMaker {
 public:
  RequestMaker(const data::Task& task, data::PromptVersion version, std::span<const data::Row> train,
               const classic::Bm25Index* index, int max_tokens = 0);
  text::Request operator()(const data::Row& row) const;

 private:
  const data::Task* task_;
  data::PromptVersion version_;
  std::span<const data::Row> train_;
  const classic::Bm25Index* index_;
  int max_tokens_;
};

// The request a classic contender takes: the bare input.
text::Request bare_request(const data::Task& task, const data::Row& row);

// What an answer to `task` may be.
text::AnswerSpec answer_spec(const data::Task& task);

}  // namespace hone::prompt
