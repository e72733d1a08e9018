#include "model/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "base/rng.h"
#include "model/adapter_testing.h"
#include "model/catalogue.h"
#include "model/decoder_noise.h"
#include "model/model.h"
#include "model/weights.h"

namespace hone::model {
namespace {

using tensor::Exec;
using tensor::Tensor;
using Ids = std::vector<std::int32_t>;

Config tiny() {
  Config config;
  config.layers = 3;
  config.width = 24;
  config.hidden = 40;
  config.heads = 6;
  config.kv_heads = 2;
  config.head_width = 4;
  config.vocabulary = 50;
  config.context = 128;
  config.rope_base = 300;
  return config;
}

// Everything that families add to Llama at once, windows that end inside a stretch among it.
Config rich() {
  Config config = tiny();
  config.architecture = "gemma3";
  config.attention_bias = true;
  config.head_norm = true;
  config.sandwich_norm = true;
  config.gate = Gate::gelu_tanh;
  config.embedding_scale = 4.9F;
  config.query_scalar = 7;
  config.window = 5;
  config.sliding = {true, false, true};
  config.sliding_rope_base = 50;
  config.rope_scaling.kind = RopeScaling::Kind::linear;
  config.rope_scaling.factor = 2;
  return config;
}

enum class Form : std::uint8_t { plain, rich };
Config config_of(Form form) { return form == Form::plain ? tiny() : rich(); }
std::string name_of(const testing::TestParamInfo<Form>& info) { return info.param == Form::plain ? "plain" : "rich"; }

class DecoderForms : public testing::TestWithParam<Form> {};
INSTANTIATE_TEST_SUITE_P(Of, DecoderForms, testing::Values(Form::plain, Form::rich), name_of);

Decoder decoder_of(const Config& config) { return Decoder(std::make_shared<const Weights>(random_weights(config, 7))); }

// A and B both random.
Adapter random_adapter(const Config& config, double deviation = 0.15) {
  Adapter adapter = Adapter::init(config, {4, 6, 3});
  Rng rng(5);
  for (const Adapter::Named& named : adapter.tensors()) {
    for (std::int64_t i = 0; i < named.tensor->shape().count(); ++i) {
      named.tensor->f32()[i] = static_cast<float>(deviation * rng.normal());
    }
  }
  return adapter;
}

Ids random_ids(std::int64_t count, std::uint64_t seed) {
  Ids ids;
  Rng rng(seed);
  for (std::int64_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>(rng.below(50)));
  return ids;
}

// Appends a stretch that predicts its own next tokens, and `next` (if not -1) at its last row.
void add_stretch(TrainBatch& batch, std::int32_t parent, const Ids& ids, std::int32_t next) {
  const auto base = static_cast<std::int32_t>(batch.ids.size());
  batch.stretches.push_back({parent, static_cast<std::int32_t>(ids.size())});
  batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    batch.targets.push_back({base + static_cast<std::int32_t>(i), ids[i + 1], 1});
  }
  if (next >= 0) batch.targets.push_back({base + static_cast<std::int32_t>(ids.size()) - 1, next, 1});
}

struct Computed {
  LossSum loss;
  Adapter gradients;
};

Computed compute(const Decoder& decoder, const Adapter& adapter, const TrainBatch& batch, int threads = 2) {
  Exec exec(threads);
  Computed result{{}, adapter.zeros_like()};
  result.loss = decoder.loss_and_gradients(exec, batch, adapter, result.gradients);
  return result;
}

// That `gradients` are the slopes of `loss`, by finite differences along a random direction of each tensor on its own,
// so that an error in one cannot hide behind another.
void expect_slopes(const Adapter& adapter, Adapter& gradients, const std::function<double(Adapter&)>& loss) {
  Rng rng(17);
  Adapter moved = adapter.copy();
  const auto parameters = moved.tensors();
  const auto slopes = gradients.tensors();
  for (std::size_t t = 0; t < parameters.size(); ++t) {
    const std::int64_t count = parameters[t].tensor->shape().count();
    const Tensor start = parameters[t].tensor->copy();
    std::vector<double> direction;
    double slope = 0;
    double norm = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto g = static_cast<double>(slopes[t].tensor->f32()[i]);
      direction.push_back(rng.normal());
      slope += direction.back() * g;
      norm += g * g;
    }
    double losses[2];
    constexpr double reach = 4e-3;
    for (int side = 0; side < 2; ++side) {
      for (std::int64_t i = 0; i < count; ++i) {
        const double shift = (side == 0 ? reach : -reach) * direction[static_cast<std::size_t>(i)];
        parameters[t].tensor->f32()[i] = static_cast<float>(static_cast<double>(start.f32()[i]) + shift);
      }
      losses[side] = loss(moved);
    }
    std::memcpy(parameters[t].tensor->f32(), start.f32(), start.bytes());
    EXPECT_NEAR((losses[0] - losses[1]) / (2 * reach), slope, 0.01 * std::sqrt(norm) + 0.003) << parameters[t].name;
  }
}

TEST_P(DecoderForms, GradientsAgreeWithFiniteDifferences) {
  const Config config = config_of(GetParam());
  const Decoder decoder = decoder_of(config);
  const Adapter adapter = random_adapter(config);
  TrainBatch batch;
  add_stretch(batch, -1, random_ids(5, 1), -1);
  add_stretch(batch, 0, random_ids(6, 2), 3);
  add_stretch(batch, 0, random_ids(4, 3), 9);
  add_stretch(batch, 1, random_ids(3, 4), 8);
  Computed at = compute(decoder, adapter, batch);
  Exec exec(2);
  expect_slopes(adapter, at.gradients, [&](Adapter& moved) { return decoder.loss(exec, batch, &moved).loss; });
}

// Against differences of losses in the same noise.
TEST_P(DecoderForms, GradientsWithDropoutAgreeWithFiniteDifferences) {
  const Config config = config_of(GetParam());
  const Decoder decoder = decoder_of(config);
  const Adapter adapter = random_adapter(config);
  TrainBatch batch;
  add_stretch(batch, -1, random_ids(7, 1), 2);
  add_stretch(batch, -1, random_ids(12, 2), 3);
  batch.stretches[1].example = 9;
  const TrainingPass pass{.noise = {.seed = 4, .step = 2, .dropout = 0.3, .embedding = 2}};
  Exec exec(2);
  Adapter gradients = adapter.zeros_like();
  Adapter unread = adapter.zeros_like();
  decoder.loss_and_gradients(exec, batch, adapter, gradients, pass);
  expect_slopes(adapter, gradients,
                [&](Adapter& moved) { return decoder.loss_and_gradients(exec, batch, moved, unread, pass).loss; });
}

TEST_P(DecoderForms, RecomputedActivationsGiveTheSameBits) {
  const Config config = config_of(GetParam());
  const Decoder decoder = decoder_of(config);
  const Adapter adapter = random_adapter(config);
  TrainBatch shared, apart;
  add_stretch(shared, -1, random_ids(20, 1), 3);
  for (std::uint64_t i = 0; i < 3; ++i) add_stretch(shared, 0, random_ids(9, i), 3);
  add_stretch(apart, -1, random_ids(20, 1), 3);
  add_stretch(apart, -1, random_ids(15, 2), 3);
  const Noise noise{.seed = 4, .step = 2, .dropout = 0.3, .embedding = 2};
  Exec exec(2);
  for (const auto& [batch, how] : {std::pair{shared, Noise{}}, std::pair{apart, noise}}) {
    Adapter kept = adapter.zeros_like();
    Adapter again = adapter.zeros_like();
    const LossSum one = decoder.loss_and_gradients(exec, batch, adapter, kept, {how, Activations::kept});
    const LossSum other = decoder.loss_and_gradients(exec, batch, adapter, again, {how, Activations::recomputed});
    EXPECT_EQ(one.loss, other.loss);
    EXPECT_EQ(distance(again, kept), 0);
  }
}

// What lies below the lowest adapted layer is only run forward; the gradients above are those of a whole backward pass
// through pairs that add nothing.
TEST_P(DecoderForms, ALowestLayerLeavesTheGradientsAboveAsTheyAre) {
  const Config config = config_of(GetParam());
  const Decoder decoder = decoder_of(config);
  TrainBatch batch;
  add_stretch(batch, -1, random_ids(20, 1), 3);
  add_stretch(batch, 0, random_ids(9, 2), 3);
  for (const std::vector<Site>& sites : {std::vector<Site>{}, std::vector<Site>{Site::down}, {Site::k, Site::gate}}) {
    LoraSpec spec{4, 6, 3};
    spec.targets = sites;
    spec.layers = {1, 2};
    Adapter part = Adapter::init(config, spec);
    Adapter whole = Adapter::init(config, {4, 6, 3});
    Rng rng(5);
    for (int layer = 0; layer < 3; ++layer) {
      for (const Site site : all_sites) {
        if (part.at(layer, site).is_absent()) continue;
        Tensor& b = part.at(layer, site).b;
        for (std::int64_t i = 0; i < b.shape().count(); ++i) b.f32()[i] = static_cast<float>(0.15 * rng.normal());
        whole.at(layer, site).b = b.copy();
      }
    }
    Computed some = compute(decoder, part, batch);
    Computed all = compute(decoder, whole, batch);
    EXPECT_EQ(some.loss.loss, all.loss.loss);
    for (int layer = 1; layer < 3; ++layer) {
      for (const Site site : all_sites) {
        if (part.at(layer, site).is_absent()) continue;
        const Tensor& got = some.gradients.at(layer, site).a;
        const Tensor& want = all.gradients.at(layer, site).a;
        for (std::int64_t i = 0; i < got.shape().count(); ++i)
          ASSERT_NEAR(got.f32()[i], want.f32()[i], 1e-5) << module_name(layer, site);
      }
    }
  }
}

struct Masked {
  std::vector<float> values;
  double zeros = 0;
};
Masked mask_of(const Noise& noise, int layer, Site site, const TrainBatch& batch) {
  Exec exec(2);
  const Config config = tiny();
  const PassNoise drawn = pass_noise(noise, batch, stream_of(batch, config), 600);
  Tensor ones = Tensor::empty({static_cast<std::int64_t>(batch.ids.size()), 600});
  std::fill_n(ones.f32(), ones.shape().count(), 1.0F);
  Dropout(noise, layer, site, drawn.rows).apply(exec, ones.view(), ones.view());
  Masked masked;
  masked.values.assign(ones.f32(), ones.f32() + ones.shape().count());
  masked.zeros = static_cast<double>(std::count(masked.values.begin(), masked.values.end(), 0.0F)) /
                 static_cast<double>(masked.values.size());
  return masked;
}

// A share p of zeros, the rest 1 / (1 - p), and other masks for other maps, steps, seeds and examples.
TEST(DecoderDropout, MasksAreFairAndIndependent) {
  TrainBatch batch;
  add_stretch(batch, -1, random_ids(60, 1), 3);
  add_stretch(batch, -1, random_ids(60, 1), 3);
  batch.stretches[1].example = 1;
  const double count = 120.0 * 600;
  for (const double p : {0.05, 0.1, 0.5}) {
    const Noise noise{.seed = 4, .step = 2, .dropout = p};
    const Masked mask = mask_of(noise, 1, Site::up, batch);
    EXPECT_NEAR(mask.zeros, p, 4 * std::sqrt(p * (1 - p) / count));
    for (const float value : mask.values) ASSERT_TRUE(value == 0 || std::fabs(value * (1 - p) - 1) < 3e-5);
    EXPECT_EQ(mask_of(noise, 1, Site::up, batch).values, mask.values);
    Noise later = noise, other = noise;
    later.step = 3;
    other.seed = 5;
    const Masked others[] = {mask_of(noise, 1, Site::gate, batch), mask_of(noise, 2, Site::up, batch),
                             mask_of(later, 1, Site::up, batch), mask_of(other, 1, Site::up, batch)};
    for (const Masked& one : others) {
      double both = 0;
      for (std::size_t i = 0; i < mask.values.size(); ++i) both += mask.values[i] == 0 && one.values[i] == 0 ? 1 : 0;
      EXPECT_NEAR(both / count, p * p, 4 * std::sqrt(p * p * (1 - p * p) / count));
    }
    const auto half = static_cast<std::ptrdiff_t>(mask.values.size() / 2);
    EXPECT_FALSE(std::equal(mask.values.begin(), mask.values.begin() + half, mask.values.begin() + half));
  }
}

// NEFTune: uniform in +-alpha / sqrt(L d), so of standard deviation alpha / sqrt(3 L d).
TEST(DecoderNoise, EmbeddingsMoveAsFarAsNeftuneSays) {
  TrainBatch batch;
  add_stretch(batch, -1, random_ids(100, 1), 3);
  add_stretch(batch, -1, random_ids(25, 2), 3);
  batch.stretches[1].example = 1;
  Exec exec(2);
  const PassNoise noise = pass_noise({.seed = 4, .step = 2, .embedding = 5}, batch, stream_of(batch, tiny()), 500);
  Tensor x = Tensor::zeros({125, 500});
  disturb_embeddings(exec, noise, x.view());
  const auto check = [&](std::int64_t begin, std::int64_t length) {
    const double reach = 5 / std::sqrt(static_cast<double>(length) * 500);
    double squares = 0;
    double sum = 0;
    for (std::int64_t i = begin * 500; i < (begin + length) * 500; ++i) {
      const auto value = static_cast<double>(x.f32()[i]);
      ASSERT_LE(std::fabs(value), reach);
      squares += value * value;
      sum += value;
    }
    const double count = static_cast<double>(length) * 500;
    EXPECT_NEAR(std::sqrt(squares / count), reach / std::sqrt(3), 0.02 * reach);
    EXPECT_NEAR(sum / count, 0, 4 * reach / std::sqrt(3 * count));
  };
  check(0, 100);
  check(100, 25);
}

TEST(DecoderLoss, EqualsTheTrainingPassAndTakesNoAdapter) {
  const Config config = tiny();
  const Decoder decoder = decoder_of(config);
  const Adapter adapter = random_adapter(config);
  TrainBatch batch;
  add_stretch(batch, -1, random_ids(30, 1), 2);
  Exec exec(2);
  EXPECT_EQ(decoder.loss(exec, batch, &adapter).loss, compute(decoder, adapter, batch).loss.loss);
  const Adapter fresh = Adapter::init(config, {4, 8, 1});
  EXPECT_NEAR(decoder.loss(exec, batch, nullptr).loss, decoder.loss(exec, batch, &fresh).loss, 1e-5);
  EXPECT_NE(decoder.loss(exec, batch, nullptr).loss, decoder.loss(exec, batch, &adapter).loss);
  TrainBatch empty;
  EXPECT_EQ(decoder.loss(exec, empty, nullptr).loss, 0);
}

// Paths root to leaf, each as one row of its own: what the tree must be equal to. Targets are counted once a path, so
// only leaves carry them here.
TEST_P(DecoderForms, SharedPrefixesEqualSeparateRowsAtAnyDepth) {
  const Config config = config_of(GetParam());
  const Decoder decoder = decoder_of(config);
  const Adapter adapter = random_adapter(config);
  struct Node {
    std::int32_t parent;
    std::int64_t length;
  };
  // Depths 0 to 3; node 4 is empty (its parent is a whole row that ends there); 5 and 6 are identical rows.
  const std::vector<Node> nodes = {{-1, 6}, {0, 5}, {0, 4}, {2, 3}, {2, 0}, {3, 7}, {3, 7}, {-1, 9}, {1, 1}};
  std::vector<Ids> ids;
  for (std::size_t i = 0; i < nodes.size(); ++i) ids.push_back(random_ids(nodes[i].length, 40 + i));
  ids[6] = ids[5];
  TrainBatch tree;
  TrainBatch rows;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto base = static_cast<std::int32_t>(tree.ids.size());
    tree.stretches.push_back({nodes[i].parent, static_cast<std::int32_t>(nodes[i].length)});
    tree.ids.insert(tree.ids.end(), ids[i].begin(), ids[i].end());
    Ids path = ids[i];
    for (std::int32_t p = nodes[i].parent; p >= 0; p = nodes[static_cast<std::size_t>(p)].parent) {
      path.insert(path.begin(), ids[static_cast<std::size_t>(p)].begin(), ids[static_cast<std::size_t>(p)].end());
    }
    const auto row_base = static_cast<std::int32_t>(rows.ids.size());
    rows.stretches.push_back({-1, static_cast<std::int32_t>(path.size())});
    rows.ids.insert(rows.ids.end(), path.begin(), path.end());
    for (std::int32_t k = 0; k < static_cast<std::int32_t>(nodes[i].length); k += 2) {
      const auto before = static_cast<std::int32_t>(path.size()) - static_cast<std::int32_t>(nodes[i].length);
      tree.targets.push_back({base + k, (k * 7 + 3) % 50, 0.5F + static_cast<float>(k)});
      rows.targets.push_back({row_base + before + k, (k * 7 + 3) % 50, 0.5F + static_cast<float>(k)});
    }
  }
  Computed shared = compute(decoder, adapter, tree);
  Computed apart = compute(decoder, adapter, rows);
  EXPECT_LT(shared.loss.tokens, apart.loss.tokens);
  EXPECT_DOUBLE_EQ(shared.loss.weight, apart.loss.weight);
  EXPECT_NEAR(shared.loss.loss, apart.loss.loss, 1e-6 * apart.loss.loss);
  EXPECT_LE(distance(shared.gradients, apart.gradients), 2e-6);
}

TEST_P(DecoderForms, PackedRowsEqualRowsAlone) {
  const Config config = config_of(GetParam());
  const Decoder decoder = decoder_of(config);
  const Adapter adapter = random_adapter(config);
  TrainBatch packed;
  Computed alone{{}, adapter.zeros_like()};
  Exec exec(2);
  for (std::uint64_t i = 0; i < 5; ++i) {
    const Ids ids = random_ids(static_cast<std::int64_t>(3 + 11 * i), i);
    add_stretch(packed, -1, ids, 4);
    TrainBatch one;
    add_stretch(one, -1, ids, 4);
    alone.loss.loss += decoder.loss_and_gradients(exec, one, adapter, alone.gradients).loss;
  }
  Computed together = compute(decoder, adapter, packed);
  EXPECT_NEAR(together.loss.loss, alone.loss.loss, 1e-6 * alone.loss.loss);
  // Accumulated over five micro-batches against one large batch. In so small a model sums of a few products, in other
  // kernels for rows of up to eight tokens, leave more than the millionth that holds below.
  EXPECT_LE(distance(alone.gradients, together.gradients), 2e-6);
}

// The law of accumulation, on the model people train: each gradient within 1e-6 of its norm.
TEST(DecoderPacking, MicroBatchesOfTheDefaultModelGiveTheLargeBatchsGradient) {
  if (!is_cached(*find_in_catalogue(default_model))) GTEST_SKIP() << "the default model is not in the cache";
  Exec exec(2);
  const Model model = open_model(exec, default_model, Parts::everything);
  const Adapter adapter = random_adapter(model.decoder->config(), 0.02);
  TrainBatch large;
  Computed small{{}, adapter.zeros_like()};
  for (std::uint64_t part = 0; part < 3; ++part) {
    TrainBatch batch;
    for (std::uint64_t i = 0; i < 2; ++i) {
      const Ids ids = random_ids(static_cast<std::int64_t>(12 + 9 * i + part), part * 2 + i);
      add_stretch(batch, -1, ids, 4);
      add_stretch(large, -1, ids, 4);
    }
    small.loss.loss += model.decoder->loss_and_gradients(exec, batch, adapter, small.gradients).loss;
  }
  Computed whole = compute(*model.decoder, adapter, large);
  EXPECT_NEAR(small.loss.loss, whole.loss.loss, 1e-6 * whole.loss.loss);
  EXPECT_LE(distance(small.gradients, whole.gradients), 1e-6);
}

TEST(DecoderHead, ManyTargetRowsGoInBlocks) {
  Config config = tiny();
  config.context = 400;
  const Decoder decoder = decoder_of(config);
  const Adapter adapter = random_adapter(config);
  TrainBatch whole;
  TrainBatch first_half;
  TrainBatch second_half;
  add_stretch(whole, -1, random_ids(300, 1), 4);
  first_half = whole;
  second_half = whole;
  first_half.targets.resize(150);
  second_half.targets.erase(second_half.targets.begin(), second_half.targets.begin() + 150);
  Computed one = compute(decoder, adapter, whole);
  Exec exec(2);
  Computed two = compute(decoder, adapter, first_half);
  two.loss.loss += decoder.loss_and_gradients(exec, second_half, adapter, two.gradients).loss;
  EXPECT_NEAR(one.loss.loss, two.loss.loss, 1e-6 * one.loss.loss);
  EXPECT_LE(distance(two.gradients, one.gradients), 2e-6);
}

TEST_P(DecoderForms, SameBitsForTheSameThreads) {
  const Config config = config_of(GetParam());
  const Decoder decoder = decoder_of(config);
  const Adapter adapter = random_adapter(config);
  TrainBatch batch;
  add_stretch(batch, -1, random_ids(20, 1), 3);
  for (std::uint64_t i = 0; i < 12; ++i) add_stretch(batch, 0, random_ids(25, i), 3);
  for (int threads : {1, 2, 3}) {
    Computed first = compute(decoder, adapter, batch, threads);
    Computed again = compute(decoder, adapter, batch, threads);
    EXPECT_EQ(first.loss.loss, again.loss.loss);
    EXPECT_EQ(distance(first.gradients, again.gradients), 0);
  }
}

class DecoderCache : public testing::TestWithParam<Form> {
 protected:
  Config config = config_of(GetParam());
  Decoder decoder = decoder_of(config);
  Adapter adapter = random_adapter(config);
  Exec exec{2};

  // Hidden states of all rows of one sequence, run at once in a cache of its own.
  Tensor whole(const Ids& ids) {
    KvCache cache(config, 1);
    const int node = cache.add_node(-1, static_cast<int>(ids.size()));
    return run(cache, ids, {{node, static_cast<std::int32_t>(ids.size())}});
  }
  Tensor run(KvCache& cache, const Ids& ids, std::vector<Piece> pieces) {
    Step step{ids, std::move(pieces), {}};
    for (std::size_t i = 0; i < ids.size(); ++i) step.wanted.push_back(static_cast<std::int32_t>(i));
    Tensor hidden = Tensor::empty({static_cast<std::int64_t>(ids.size()), config.width});
    decoder.forward(exec, step, &adapter, cache, hidden.view());
    return hidden;
  }
  void expect_rows(const Tensor& got, std::int64_t got_row, const Tensor& want, std::int64_t row, std::int64_t count) {
    for (std::int64_t i = 0; i < count * config.width; ++i) {
      ASSERT_NEAR(got.f32()[got_row * config.width + i], want.f32()[row * config.width + i], 2e-5)
          << "row " << row + i / config.width;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Of, DecoderCache, testing::Values(Form::plain, Form::rich), name_of);

Ids part(const Ids& ids, std::size_t begin, std::size_t end) {
  return {ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.begin() + static_cast<std::ptrdiff_t>(end)};
}

TEST_P(DecoderCache, TokenByTokenEqualsAllAtOnce) {
  const Ids ids = random_ids(40, 1);
  const Tensor want = whole(ids);
  KvCache cache(config, 8);
  const int node = cache.add_node(-1, 40);
  expect_rows(run(cache, part(ids, 0, 23), {{node, 23}}), 0, want, 0, 23);
  for (std::size_t i = 23; i < 40; ++i) {
    expect_rows(run(cache, part(ids, i, i + 1), {{node, 1}}), 0, want, static_cast<std::int64_t>(i), 1);
  }
}

TEST_P(DecoderCache, ChildrenContinueTheirParentAndSurviveARewind) {
  const Ids prefix = random_ids(10, 1);
  const Ids left = random_ids(6, 2);
  const Ids right = random_ids(12, 3);
  const auto joined = [&](const Ids& tail) {
    Ids ids = prefix;
    ids.insert(ids.end(), tail.begin(), tail.end());
    return ids;
  };
  KvCache cache(config, 4);
  const int root = cache.add_node(-1, 30);
  const int a = cache.add_node(root, 6);
  const int b = cache.add_node(root, 20);
  EXPECT_EQ(cache.count(), 3);
  // The parent's and both children's tokens in one step.
  Ids ids = joined(left);
  ids.insert(ids.end(), right.begin(), right.begin() + 5);
  const Tensor got = run(cache, ids, {{root, 10}, {a, 6}, {b, 5}});
  EXPECT_EQ(cache.node(b).position, 10);
  const Tensor with_left = whole(joined(left));
  const Tensor with_right = whole(joined(right));
  expect_rows(got, 0, with_left, 0, 16);
  expect_rows(got, 16, with_right, 10, 5);
  expect_rows(run(cache, part(right, 5, 12), {{b, 7}}), 0, with_right, 15, 7);
  EXPECT_THROW(cache.fill(root, 1), std::logic_error);  // its children hold tokens
  cache.rewind(1);
  EXPECT_EQ(cache.count(), 1);
  // The parent may go on once its children are gone, and have others.
  expect_rows(run(cache, part(left, 0, 2), {{root, 2}}), 0, with_left, 10, 2);
  const int c = cache.add_node(root, 4);
  expect_rows(run(cache, part(left, 2, 6), {{c, 4}}), 0, with_left, 12, 4);
}

TEST_P(DecoderCache, ManySequencesInOneStepEqualEachAlone) {
  const Ids first = random_ids(15, 1);
  const Ids second = random_ids(3, 2);
  KvCache cache(config, 4);
  Ids ids = first;
  ids.insert(ids.end(), second.begin(), second.end());
  const int a = cache.add_node(-1, 15);
  const int b = cache.add_node(-1, 3);
  const Tensor got = run(cache, ids, {{a, 15}, {b, 3}});
  expect_rows(got, 0, whole(first), 0, 15);
  expect_rows(got, 15, whole(second), 0, 3);
}

TEST_P(DecoderCache, OnlyWantedRowsComeBack) {
  const Ids ids = random_ids(12, 1);
  const Tensor want = whole(ids);
  KvCache cache(config, 4);
  const int node = cache.add_node(-1, 12);
  Step step{ids, {{node, 12}}, {3, 11}};
  Tensor hidden = Tensor::empty({2, config.width});
  decoder.forward(exec, step, &adapter, cache, hidden.view());
  expect_rows(hidden, 0, want, 3, 1);
  expect_rows(hidden, 1, want, 11, 1);
  KvCache silent(config, 4);
  Step nothing_wanted{part(ids, 0, 11), {{silent.add_node(-1, 12), 11}}, {}};
  Tensor none = Tensor::empty({0, config.width});
  decoder.forward(exec, nothing_wanted, &adapter, silent, none.view());
  expect_rows(run(silent, part(ids, 11, 12), {{0, 1}}), 0, want, 11, 1);
}

TEST_P(DecoderCache, LogitsOfAFewIdsEqualThoseOfAll) {
  const Tensor hidden = whole(random_ids(2, 1));
  Tensor logits = Tensor::empty({2, config.vocabulary});
  decoder.logits(exec, hidden.view(), logits.view());
  const Ids ids = {49, 0, 7};
  std::vector<float> some(3);
  decoder.logits_at(exec, hidden.f32() + config.width, ids, some);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(some[i], logits.f32()[config.vocabulary + ids[i]], 1e-5);
}

TEST_P(DecoderCache, BadIdsAndOverlongSequencesAreRefusedByName) {
  KvCache cache(config, 4);
  const int node = cache.add_node(-1, 200);
  try {
    run(cache, {1, 50}, {{node, 2}});
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("50"), std::string::npos);
    EXPECT_EQ(failure.code(), ErrorCode::bad_input);
  }
  EXPECT_EQ(cache.node(node).length, 0);
  EXPECT_THROW(run(cache, random_ids(129, 1), {{node, 129}}), Failure);
  TrainBatch batch;
  add_stretch(batch, -1, random_ids(129, 1), -1);
  EXPECT_THROW(decoder.loss(exec, batch, nullptr), Failure);
}

}  // namespace
}  // namespace hone::model
