// Answers from a local model: label sets scored over the trie of label tokens, free text decoded greedily or sampled,
// many sequences at once, shared prompt prefixes computed once.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "data/encode.h"
#include "model/model.h"
#include "text/message.h"
#include "text/prompt_encoding.h"

namespace hone::generate {

struct LocalOptions {
  int max_prompt_tokens = 2048;
  int batch_tokens = 4096;  // new tokens run together at most (one request always fits)
  int cache_rows = 16384;   // tokens kept for sequences being decoded at once, their reserve included, at most
  std::string today;        // for templates that print a date
};

// A Responder over `model` (which outlives it) with an optional adapter (outlives it too). Requests that share a prompt
// prefix share its computation, also across respond() calls: the longest prefix common to the requests seen is kept.
std::unique_ptr<text::Responder> local_responder(tensor::Exec& exec, const model::Model& model,
                                                 const model::Adapter* adapter, const LocalOptions& options);

// Greedy or sampled continuation of raw text, no template (`ask --raw`).
Result<text::Reply> continue_text(tensor::Exec& exec, const model::Model& model, const model::Adapter* adapter,
                                  const text::Request& raw);

// Final-normed hidden state at each request's last prompt token [width], for the linear probe. Prefixes shared as
// above.
std::vector<std::vector<float>> hidden_states(tensor::Exec& exec, const model::Model& model,
                                              std::span<const text::Request> requests, const LocalOptions& options,
                                              std::stop_token stop);

// Label probabilities: product over branching trie nodes of the softmax restricted to the allowed next tokens, end of
// turn included; sums to one (../docs/numerics.md).
class LabelTrie {
 public:
  // Each label as encode_answer() writes it in `form`. Failure where two are the same tokens (bad_input) and where the
  // vocabulary lacks bytes of one (unsupported).
  LabelTrie(const text::Tokenizer& tokenizer, std::span<const std::string> labels, const text::AnswerForm& form);
  // Sequences of which none begins another, end of turn included where it is part of the choice.
  explicit LabelTrie(std::span<const std::vector<text::TokenId>> sequences);
  struct Node {
    int parent = -1;
    text::TokenId token = -1;   // edge from the parent
    std::vector<int> children;  // node indices
    int label = -1;             // at leaves: index of the label; the edge is its last token
  };
  const std::vector<Node>& nodes() const { return nodes_; }

 private:
  // The leaf of a sequence; a new one where there was none.
  int add(std::span<const text::TokenId> sequence);

  std::vector<Node> nodes_;
};

}  // namespace hone::generate
