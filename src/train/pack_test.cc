#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/json.h"
#include "model/load_folder.h"
#include "train/plan.h"
#include "train/train_testing.h"

namespace hone::train {
namespace {

using Ids = std::vector<text::TokenId>;

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

TEST(Pack, ApartEachRowIsARootOfItsOwnThatNamesItsExample) {
  const std::vector<data::Example> examples = {{"a", {1, 2}, {7, 9}, 0}, {"b", {1, 2}, {7, 9}, 0}};
  const std::vector<int> rows = {5, 3};
  const model::TrainBatch batch = pack(pointers(examples), {Sharing::none, 0, rows});
  EXPECT_EQ(batch.ids, (Ids{1, 2, 7, 1, 2, 7}));
  ASSERT_EQ(batch.stretches.size(), 2U);
  EXPECT_EQ(batch.stretches[0].example, 5U);
  EXPECT_EQ(batch.stretches[1].example, 3U);
  EXPECT_EQ(batch.stretches[1].parent, -1);
  ASSERT_EQ(batch.targets.size(), 4U);
  EXPECT_EQ(batch.targets[2].row, 4);
  EXPECT_EQ(batch.targets[2].weight, 1);
}

// The mean over all tokens but the first of each row, a prompt's weighing less, as torch says it; shared or not.
TEST(Pack, WeighsThePromptsTokensAsTorchDoes) {
  const Path base = Path(HONE_SOURCE_DIR) / "tests/golden/decoder/llama2";
  const std::string text = value_or_throw(read_file(base / "adapters/prompt_loss.json"));
  const Json golden = value_or_throw(parse_json(text, "prompt_loss.json"));
  std::vector<data::Example> examples;
  for (const Json& row : golden.at("rows"))
    examples.push_back({"", row.at("prompt").get<Ids>(), row.at("answer").get<Ids>(), 0});
  tensor::Exec exec(2);
  const model::Decoder decoder(std::make_shared<const model::Weights>(value_or_throw(model::load_folder(exec, base))));
  for (const Sharing sharing : {Sharing::prefixes, Sharing::none}) {
    const model::TrainBatch batch = pack(pointers(examples), {sharing, golden.at("weight").get<double>()});
    const model::LossSum sum = decoder.loss(exec, batch, nullptr);
    EXPECT_NEAR(sum.loss / sum.weight, golden.at("loss").get<double>(), 1e-5);
  }
  const model::LossSum answers = decoder.loss(exec, pack(pointers(examples)), nullptr);
  EXPECT_GT(std::fabs(answers.loss / answers.weight - golden.at("loss").get<double>()), 0.01);
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

TEST(Plan, WhereNothingIsSharedEveryTokenCounts) {
  const std::vector<data::Example> examples = tiny_examples(20);
  TrainSpec spec;
  spec.micro_batch_tokens = 30;
  spec.lora.dropout = 0.1F;
  const TokenPlan figures = plan_tokens(examples, spec);
  EXPECT_EQ(figures.computed, figures.tokens - 20);  // but the last one of each row
  const std::vector<StepPlan> plan = plan_epoch(examples, spec, 0);
  for (const auto& rows : plan[0]) {
    std::size_t tokens = 0;
    for (const int row : rows) tokens += run_ids(examples[static_cast<std::size_t>(row)]).size();
    EXPECT_TRUE(tokens <= 30 || rows.size() == 1);
  }
}

TEST(Plan, EpochsDifferAndRepeat) {
  const std::vector<data::Example> examples = tiny_examples(40);
  const TrainSpec spec;
  EXPECT_EQ(plan_epoch(examples, spec, 1), plan_epoch(examples, spec, 1));
  EXPECT_NE(plan_epoch(examples, spec, 0), plan_epoch(examples, spec, 1));
}

}  // namespace
}  // namespace hone::train
