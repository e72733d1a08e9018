#include <map>

#include "text/token_tree.h"
#include "train/plan.h"
#include "train/train.h"

namespace hone::train {

namespace {

using Sequence = std::span<const text::TokenId>;

// A tree in which every sequence is a root of its own.
text::TokenTree trees_apart(std::span<const Sequence> sequences) {
  text::TokenTree tree;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto length = static_cast<int>(sequences[i].size());
    tree.paths.push_back({static_cast<int>(i)});
    tree.stretches.push_back({-1, static_cast<int>(i), 0, length, tree.rows});
    tree.rows += length;
  }
  return tree;
}

// The tree's stretches and their tokens. `names` as in PackSpec::rows.
model::TrainBatch placed(const text::TokenTree& tree, std::span<const Sequence> sequences, std::span<const int> names) {
  model::TrainBatch batch;
  batch.ids.reserve(static_cast<std::size_t>(tree.rows));
  for (const text::TokenTree::Stretch& stretch : tree.stretches) {
    const auto sequence = static_cast<std::size_t>(stretch.sequence);
    const int name = names.empty() ? stretch.sequence : names[sequence];
    batch.stretches.push_back({stretch.parent, stretch.length, static_cast<std::uint32_t>(name)});
    const auto tokens =
        sequences[sequence].subspan(static_cast<std::size_t>(stretch.begin), static_cast<std::size_t>(stretch.length));
    batch.ids.insert(batch.ids.end(), tokens.begin(), tokens.end());
  }
  return batch;
}

}  // namespace

model::TrainBatch pack(std::span<const data::Example* const> examples, const PackSpec& spec) {
  HONE_CHECK(spec.rows.empty() || spec.rows.size() == examples.size());
  std::vector<std::vector<text::TokenId>> ids;
  for (const data::Example* example : examples) {
    HONE_CHECK(!example->prompt.empty() && !example->answer.empty());
    ids.push_back(run_ids(*example));
  }
  const std::vector<Sequence> sequences(ids.begin(), ids.end());
  const text::TokenTree tree = spec.sharing == Sharing::prefixes ? text::token_tree(sequences) : trees_apart(sequences);
  model::TrainBatch batch = placed(tree, sequences, spec.rows);
  std::map<std::pair<int, text::TokenId>, float> weights;  // (row, token) -> how much the examples want it
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const data::Example& example = *examples[i];
    const auto want = [&](std::size_t before, text::TokenId id, double weight) {
      weights[{tree.row_of(static_cast<int>(i), static_cast<int>(before)), id}] += static_cast<float>(weight);
    };
    for (std::size_t t = 1; t < example.prompt.size() && spec.prompt_weight > 0; ++t)
      want(t - 1, example.prompt[t], spec.prompt_weight);
    for (std::size_t t = 0; t < example.answer.size(); ++t) want(example.prompt.size() + t - 1, example.answer[t], 1);
  }
  for (const auto& [where, weight] : weights) batch.targets.push_back({where.first, where.second, weight});
  return batch;
}

}  // namespace hone::train
