// How to score a set of labels with few tokens: which tokens of the label trie must be run after the prompt, and how
// the logits at its branching nodes become label probabilities (../docs/numerics.md).
#pragma once

#include <span>
#include <vector>

#include "generate/generate.h"

namespace hone::generate {

class LabelScoring {
 public:
  explicit LabelScoring(LabelTrie trie, std::size_t labels);

  // A run of tokens that ends at a branching node; nothing beyond the last branching node is ever run.
  struct Run {
    int parent = -1;                    // the run it continues, -1: the prompt
    std::vector<text::TokenId> tokens;  // at least one
    int node = 0;                       // the trie node it ends at
  };
  const std::vector<Run>& runs() const { return runs_; }
  int run_tokens() const { return run_tokens_; }
  bool root_branches() const { return trie_.nodes()[0].children.size() > 1; }
  // The next tokens allowed at a node, in the order of its children.
  std::vector<text::TokenId> next_tokens(int node) const;
  const LabelTrie& trie() const { return trie_; }
  // Tokens of a label, the end of turn not counted.
  int label_tokens(int label) const { return label_tokens_[static_cast<std::size_t>(label)]; }

  // logits[k] are those of next_tokens(node) at the k-th branching node: the root first if it branches, then the end of
  // each run in order. Probability of a label = product over the branching nodes on its path of the softmax over the
  // node's allowed tokens; all of them sum to one. f64.
  std::vector<double> probabilities(std::span<const std::vector<float>> logits) const;

 private:
  void add_runs(int node, int parent_run, const std::vector<char>& needed);

  LabelTrie trie_;
  std::vector<Run> runs_;
  std::vector<int> label_tokens_;
  int run_tokens_ = 0;
};

}  // namespace hone::generate
