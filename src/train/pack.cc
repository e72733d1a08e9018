#include <map>

#include "text/token_tree.h"
#include "train/plan.h"
#include "train/train.h"

namespace hone::train {

namespace {

using Sequence = std::span<const text::TokenId>;

// A batch's tokens, and where they went: the stream row of token `depth` of example `i`.
struct Placed {
  model::TrainBatch batch;
  std::function<int(int i, int depth)> row_of;
};

Placed place_shared(std::span<const Sequence> sequences) {
  Placed placed;
  const text::TokenTree tree = text::token_tree(sequences);
  placed.batch.ids.reserve(static_cast<std::size_t>(tree.rows));
  for (const text::TokenTree::Stretch& stretch : tree.stretches) {
    placed.batch.stretches.push_back({stretch.parent, stretch.length});
    const auto tokens = sequences[static_cast<std::size_t>(stretch.sequence)].subspan(
        static_cast<std::size_t>(stretch.begin), static_cast<std::size_t>(stretch.length));
    placed.batch.ids.insert(placed.batch.ids.end(), tokens.begin(), tokens.end());
  }
  placed.row_of = [tree](int i, int depth) { return tree.row_of(i, depth); };
  return placed;
}

Placed place_apart(std::span<const Sequence> sequences, std::span<const int> names) {
  Placed placed;
  std::vector<int> begins;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    begins.push_back(static_cast<int>(placed.batch.ids.size()));
    const auto name = names.empty() ? static_cast<std::uint32_t>(i) : static_cast<std::uint32_t>(names[i]);
    placed.batch.stretches.push_back({-1, static_cast<std::int32_t>(sequences[i].size()), name});
    placed.batch.ids.insert(placed.batch.ids.end(), sequences[i].begin(), sequences[i].end());
  }
  placed.row_of = [begins](int i, int depth) { return begins[static_cast<std::size_t>(i)] + depth; };
  return placed;
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
  Placed placed = spec.sharing == Sharing::prefixes ? place_shared(sequences) : place_apart(sequences, spec.rows);
  std::map<std::pair<int, text::TokenId>, float> weights;  // (row, token) -> how much the examples want it
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const data::Example& example = *examples[i];
    const auto want = [&](std::size_t before, text::TokenId id, double weight) {
      weights[{placed.row_of(static_cast<int>(i), static_cast<int>(before)), id}] += static_cast<float>(weight);
    };
    for (std::size_t t = 1; t < example.prompt.size() && spec.prompt_weight > 0; ++t)
      want(t - 1, example.prompt[t], spec.prompt_weight);
    for (std::size_t t = 0; t < example.answer.size(); ++t) want(example.prompt.size() + t - 1, example.answer[t], 1);
  }
  for (const auto& [where, weight] : weights) placed.batch.targets.push_back({where.first, where.second, weight});
  return std::move(placed.batch);
}

}  // namespace hone::train
