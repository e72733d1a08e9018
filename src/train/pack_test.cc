#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "train/plan.h"
#include "train/token_tree.h"
#include "train/train_testing.h"

namespace hone::train {
namespace {

using Ids = std::vector<text::TokenId>;

std::vector<std::span<const text::TokenId>> spans(const std::vector<Ids>& sequences) {
  return {sequences.begin(), sequences.end()};
}

std::vector<Ids> random_sequences(std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Ids> sequences(1 + rng.below(12));
  for (Ids& ids : sequences) {
    ids.resize(rng.below(7));
    for (text::TokenId& id : ids) id = static_cast<text::TokenId>(rng.below(2));
  }
  return sequences;
}

TEST(TokenTree, SpellsEverySequenceAndHoldsEveryPrefixOnce) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<Ids> sequences = random_sequences(seed);
    const auto views = spans(sequences);
    const TokenTree tree = token_tree(views);
    std::set<Ids> prefixes;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      Ids spelled;
      int parent = -1;
      for (const int index : tree.paths[s]) {
        const TokenTree::Stretch& stretch = tree.stretches[static_cast<std::size_t>(index)];
        EXPECT_EQ(stretch.parent, parent);
        EXPECT_EQ(stretch.begin, static_cast<int>(spelled.size()));
        const auto tokens = views[static_cast<std::size_t>(stretch.sequence)].subspan(
            static_cast<std::size_t>(stretch.begin), static_cast<std::size_t>(stretch.length));
        spelled.insert(spelled.end(), tokens.begin(), tokens.end());
        parent = index;
      }
      EXPECT_EQ(spelled, sequences[s]);
      for (std::size_t n = 1; n <= sequences[s].size(); ++n) {
        prefixes.insert(Ids(sequences[s].begin(), sequences[s].begin() + static_cast<std::ptrdiff_t>(n)));
      }
    }
    EXPECT_EQ(tree.rows, static_cast<int>(prefixes.size()));
  }
}

TEST(TokenTree, CutsOnlyWhereSequencesPartOrEnd) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<Ids> sequences = random_sequences(seed);
    const TokenTree tree = token_tree(spans(sequences));
    std::vector<int> children(tree.stretches.size(), 0), ends(tree.stretches.size(), 0);
    for (const auto& stretch : tree.stretches) {
      ASSERT_GE(stretch.length, 1);
      if (stretch.parent >= 0) ++children[static_cast<std::size_t>(stretch.parent)];
    }
    for (const auto& path : tree.paths) {
      if (!path.empty()) ++ends[static_cast<std::size_t>(path.back())];
    }
    for (std::size_t i = 0; i < tree.stretches.size(); ++i) EXPECT_TRUE(ends[i] > 0 || children[i] > 1);
  }
}

TEST(TokenTree, DoesNotDependOnTheOrderOfSequences) {
  std::vector<Ids> sequences = {{1, 2, 3}, {1, 2}, {4}, {1, 2, 5, 6}, {4}};
  const TokenTree a = token_tree(spans(sequences));
  std::reverse(sequences.begin(), sequences.end());
  const TokenTree b = token_tree(spans(sequences));
  ASSERT_EQ(a.stretches.size(), b.stretches.size());
  for (std::size_t i = 0; i < a.stretches.size(); ++i) {
    EXPECT_EQ(a.stretches[i].parent, b.stretches[i].parent);
    EXPECT_EQ(a.stretches[i].length, b.stretches[i].length);
  }
}

TEST(Pack, EqualTargetsOfARowAddTheirWeights) {
  const std::vector<data::Example> examples = {
      {"a", {1, 2}, {7, 9}, 0}, {"b", {1, 2}, {7, 9}, 0}, {"c", {1, 2}, {8, 9}, 0}};
  const model::TrainBatch batch = pack(pointers(examples));
  EXPECT_EQ(batch.ids, (Ids{1, 2, 7, 8}));
  ASSERT_EQ(batch.targets.size(), 4U);
  EXPECT_EQ(batch.targets[0].row, 1);
  EXPECT_EQ(batch.targets[0].id, 7);
  EXPECT_EQ(batch.targets[0].weight, 2);
  EXPECT_EQ(batch.targets[1].row, 1);
  EXPECT_EQ(batch.targets[1].id, 8);
  EXPECT_EQ(batch.targets[1].weight, 1);
  EXPECT_EQ(batch.targets[2].weight, 2);
}

TEST(Pack, ARowThatIsTheStartOfAnotherKeepsItsOwnTargets) {
  const std::vector<data::Example> examples = {{"short", {1}, {2, 9}, 0}, {"long", {1, 2}, {9, 9}, 0}};
  const model::TrainBatch batch = pack(pointers(examples));
  EXPECT_EQ(batch.ids, (Ids{1, 2, 9}));
  ASSERT_EQ(batch.targets.size(), 3U);
  EXPECT_EQ(batch.targets[1].row, 1);
  EXPECT_EQ(batch.targets[1].weight, 2);  // both say 9 after 1 2
}

struct LossAndGradients {
  model::LossSum sum;
  std::vector<float> gradients;
};

using Batches = std::vector<std::vector<const data::Example*>>;

LossAndGradients gradients_of(const Batches& batches) {
  tensor::Exec exec(2);
  const model::Decoder decoder = tiny_decoder();
  model::LoraSpec lora;
  lora.rank = 3;
  model::Adapter adapter = model::Adapter::init(decoder.config(), lora);
  Rng rng(3);
  for (const auto& named : adapter.tensors()) {
    for (std::int64_t i = 0; i < named.tensor->shape().count(); ++i) {
      named.tensor->f32()[i] = static_cast<float>(0.1 * rng.normal());
    }
  }
  model::Adapter gradients = adapter.zeros_like();
  LossAndGradients result;
  for (const auto& batch : batches) {
    const model::LossSum part = decoder.loss_and_gradients(exec, pack(batch), adapter, gradients);
    result.sum.loss += part.loss;
    result.sum.weight += part.weight;
  }
  result.gradients = values_of(gradients);
  return result;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * static_cast<double>(a[i] - b[i]);
    norm += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(difference / norm);
}

TEST(Pack, SharingAPrefixChangesNeitherLossNorGradients) {
  const std::vector<data::Example> examples = tiny_examples(12);
  const auto all = pointers(examples);
  Batches alone;
  for (const data::Example* example : all) alone.push_back({example});
  const auto together = gradients_of(Batches{all});
  const auto apart = gradients_of(alone);
  EXPECT_EQ(together.sum.weight, apart.sum.weight);
  EXPECT_NEAR(together.sum.loss, apart.sum.loss, 1e-5 * apart.sum.loss);
  EXPECT_LT(distance(together.gradients, apart.gradients), 2e-6);
}

TEST(Plan, AccumulatedMicroBatchesGiveTheGradientOfTheLargeBatch) {
  const std::vector<data::Example> examples = tiny_examples(16);
  TrainSpec spec;
  spec.micro_batch_tokens = 24;
  Batches batches;
  const auto plan = plan_epoch(examples, spec, 0);
  ASSERT_EQ(plan.size(), 1U);
  ASSERT_GT(plan[0].size(), 3U);
  for (const auto& rows : plan[0]) {
    batches.emplace_back();
    for (const int row : rows) batches.back().push_back(&examples[static_cast<std::size_t>(row)]);
  }
  const auto accumulated = gradients_of(batches);
  EXPECT_LT(distance(accumulated.gradients, gradients_of(Batches{pointers(examples)}).gradients), 1e-6);
  EXPECT_EQ(accumulated.gradients, gradients_of(batches).gradients);
}

TEST(Plan, EveryRowOnceAnEpochInMicroBatchesThatFit) {
  const std::vector<data::Example> examples = tiny_examples(53);
  TrainSpec spec;
  spec.batch_rows = 8;
  spec.micro_batch_tokens = 30;
  std::int64_t computed = 0;
  const auto plan = plan_epoch(examples, spec, 0);
  EXPECT_EQ(static_cast<int>(plan.size()), steps_per_epoch(examples.size(), spec));
  std::multiset<int> seen;
  for (const StepPlan& step : plan) {
    for (const auto& rows : step) {
      std::vector<const data::Example*> batch;
      for (const int row : rows) batch.push_back(&examples[static_cast<std::size_t>(row)]);
      const auto tokens = static_cast<int>(pack(batch).ids.size());
      EXPECT_TRUE(tokens <= spec.micro_batch_tokens || rows.size() == 1);
      computed += tokens;
      seen.insert(rows.begin(), rows.end());
    }
  }
  EXPECT_EQ(seen.size(), examples.size());
  EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), examples.size());
  const TokenPlan figures = plan_tokens(examples, spec);
  EXPECT_EQ(figures.computed, computed);
  EXPECT_EQ(figures.steps, static_cast<int>(plan.size()));
  EXPECT_GT(figures.tokens, figures.computed);
}

TEST(Plan, EpochsDifferAndRepeat) {
  const std::vector<data::Example> examples = tiny_examples(40);
  const TrainSpec spec;
  EXPECT_EQ(plan_epoch(examples, spec, 1), plan_epoch(examples, spec, 1));
  EXPECT_NE(plan_epoch(examples, spec, 0), plan_epoch(examples, spec, 1));
}

}  // namespace
}  // namespace hone::train
