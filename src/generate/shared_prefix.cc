#include "generate/shared_prefix.h"

#include <algorithm>

#include "text/token_tree.h"

namespace hone::generate {

namespace {

// A prefix is judged by this many requests at a time, so that one odd request can't spoil it for good.
constexpr std::size_t window = 16;

std::vector<text::TokenId> first_tokens(Prompt prompt, int count) { return {prompt.begin(), prompt.begin() + count}; }

}  // namespace

int add_piece(model::KvCache& cache, int parent, Prompt tokens, model::Step& step) {
  const int node = cache.add_node(parent, static_cast<int>(tokens.size()));
  step.pieces.push_back({node, static_cast<std::int32_t>(tokens.size())});
  step.ids.insert(step.ids.end(), tokens.begin(), tokens.end());
  return node;
}

bool SharedPrefix::continues(Prompt prompt) const {
  return !kept_.empty() && prompt.size() > kept_.size() &&
         text::common_prefix(prompt, kept_) == static_cast<int>(kept_.size());
}

void SharedPrefix::keep(std::vector<text::TokenId> prefix) {
  cache_.rewind(0);
  in_cache_ = false;
  kept_ = std::move(prefix);
}

void SharedPrefix::expect(std::span<const Prompt> prompts) {
  HONE_CHECK(cache_.count() == kept_nodes() && !prompts.empty());
  // The last token of every prompt is run again, for its hidden state.
  int common = static_cast<int>(prompts[0].size()) - 1;
  for (const Prompt prompt : prompts) {
    common = std::min({common, static_cast<int>(prompt.size()) - 1, text::common_prefix(prompts[0], prompt)});
  }
  if (recent_requests_ == 0 || recent_requests_ >= window) {
    recent_ = first_tokens(prompts[0], common);
    recent_requests_ = 0;
  } else {
    recent_.resize(static_cast<std::size_t>(std::min(common, text::common_prefix(prompts[0], recent_))));
  }
  recent_requests_ += prompts.size();

  const bool fits = std::all_of(prompts.begin(), prompts.end(), [&](Prompt prompt) { return continues(prompt); });
  // A little more in common is not worth computing the prefix anew.
  const bool grows = recent_.size() > kept_.size() + kept_.size() / 4 + 8;
  if (!fits || grows) {
    if (recent_requests_ >= 2) {
      keep(recent_);
    } else if (kept_.empty()) {
      keep({});
    }
  }
}

void SharedPrefix::place_below(int root, std::span<const Prompt> prompts, std::vector<Placed*> placed,
                               model::Step& step) {
  const text::TokenTree tree = text::token_tree(prompts);
  const int first_row = static_cast<int>(step.ids.size());
  std::vector<int> nodes;
  for (const text::TokenTree::Stretch& stretch : tree.stretches) {
    const Prompt tokens = prompts[static_cast<std::size_t>(stretch.sequence)].subspan(
        static_cast<std::size_t>(stretch.begin), static_cast<std::size_t>(stretch.length));
    const int parent = stretch.parent < 0 ? root : nodes[static_cast<std::size_t>(stretch.parent)];
    nodes.push_back(add_piece(cache_, parent, tokens, step));
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto last = static_cast<std::size_t>(tree.paths[i].back());
    const text::TokenTree::Stretch& stretch = tree.stretches[last];
    *placed[i] = {nodes[last], first_row + stretch.row + stretch.length - 1};
  }
}

std::vector<Placed> SharedPrefix::place(std::span<const Prompt> prompts, model::Step& step) {
  std::vector<Placed> placed(prompts.size());
  std::vector<Prompt> below, alone;
  std::vector<Placed*> below_placed, alone_placed;
  const bool usable = in_cache_ || cache_.count() == 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (usable && continues(prompts[i])) {
      below.push_back(prompts[i].subspan(kept_.size()));
      below_placed.push_back(&placed[i]);
    } else {
      alone.push_back(prompts[i]);
      alone_placed.push_back(&placed[i]);
    }
  }
  if (!below.empty() && !in_cache_) {
    HONE_CHECK(add_piece(cache_, -1, kept_, step) == 0);
    in_cache_ = true;
  }
  if (!below.empty()) place_below(0, below, below_placed, step);
  if (!alone.empty()) place_below(-1, alone, alone_placed, step);
  return placed;
}

}  // namespace hone::generate
