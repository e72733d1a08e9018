#include <map>

#include "train/plan.h"
#include "train/token_tree.h"
#include "train/train.h"

namespace hone::train {

model::TrainBatch pack(std::span<const data::Example* const> examples) {
  std::vector<std::vector<text::TokenId>> ids;
  for (const data::Example* example : examples) {
    HONE_CHECK(!example->prompt.empty() && !example->answer.empty());
    ids.push_back(run_ids(*example));
  }
  const std::vector<std::span<const text::TokenId>> sequences(ids.begin(), ids.end());
  const TokenTree tree = token_tree(sequences);

  model::TrainBatch batch;
  batch.ids.reserve(static_cast<std::size_t>(tree.rows));
  for (const TokenTree::Stretch& stretch : tree.stretches) {
    batch.stretches.push_back({stretch.parent, stretch.length});
    const auto tokens = sequences[static_cast<std::size_t>(stretch.sequence)].subspan(
        static_cast<std::size_t>(stretch.begin), static_cast<std::size_t>(stretch.length));
    batch.ids.insert(batch.ids.end(), tokens.begin(), tokens.end());
  }
  std::map<std::pair<int, text::TokenId>, float> weights;  // (row, token) -> how many examples want it
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const data::Example& example = *examples[i];
    for (std::size_t t = 0; t < example.answer.size(); ++t) {
      const auto before = static_cast<int>(example.prompt.size() + t) - 1;
      weights[{tree.row_of(static_cast<int>(i), before), example.answer[t]}] += 1;
    }
  }
  for (const auto& [where, weight] : weights) batch.targets.push_back({where.first, where.second, weight});
  return batch;
}

}  // namespace hone::train
