// Prompts laid out in a KV cache so that what they share is computed once: the prefix common to recent requests stays
// in the cache from one batch to the next, and the prompts of one batch form a tree below it.
#pragma once

#include <span>
#include <vector>

#include "model/decoder.h"
#include "text/tokenizer.h"

namespace hone::generate {

using Prompt = std::span<const text::TokenId>;

// Where a prompt ended up.
struct Placed {
  int node = 0;  // cache node that ends with its last token
  int row = 0;   // of its last token in the step's stream
};

class SharedPrefix {
 public:
  SharedPrefix(const model::Config& config, std::int64_t rows) : cache_(config, rows) {}

  model::KvCache& cache() { return cache_; }
  const model::KvCache& cache() const { return cache_; }
  // Nodes that outlive a batch: 1 once the prefix has been computed, else 0.
  int kept_nodes() const { return in_cache_ ? 1 : 0; }
  // Tokens of the prefix in use; 0 where none is worth keeping yet.
  int kept_tokens() const { return static_cast<int>(kept_.size()); }
  bool in_cache() const { return in_cache_; }
  // Whether `prompt` goes on from the prefix.
  bool continues(Prompt prompt) const;

  // Takes note of prompts that are about to come and chooses the prefix. Only while nothing but the prefix is cached.
  void expect(std::span<const Prompt> prompts);

  // Adds nodes for non-empty `prompts` to the cache, and their tokens to `step`. A prefix not yet cached is added too
  // where it is the first node.
  std::vector<Placed> place(std::span<const Prompt> prompts, model::Step& step);

 private:
  void keep(std::vector<text::TokenId> prefix);
  void place_below(int root, std::span<const Prompt> prompts, std::vector<Placed*> placed, model::Step& step);

  model::KvCache cache_;
  std::vector<text::TokenId> kept_;  // at least two prompts begin with it
  bool in_cache_ = false;            // it is node 0
  // The prefix common to the last requests, and how many they are; begun anew after window_ of them.
  std::vector<text::TokenId> recent_;
  std::size_t recent_requests_ = 0;
};

// Appends `tokens` to `step` as a new node below `parent`; the node.
int add_piece(model::KvCache& cache, int parent, Prompt tokens, model::Step& step);

}  // namespace hone::generate
