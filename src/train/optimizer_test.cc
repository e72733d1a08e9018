#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "ops/adamw.h"
#include "train/schedule.h"
#include "train/train_testing.h"

namespace hone::train {
namespace {

Json golden() {
  const Path path = Path(HONE_SOURCE_DIR) / "tests" / "golden" / "train.json";
  return value_or_throw(parse_json(value_or_throw(read_file(path)), path.string()));
}

TEST(Schedule, EqualsTransformers) {
  for (const Json& schedule : golden().at("schedules")) {
    const Decay decay = schedule.at("decay") == "cosine" ? Decay::cosine : Decay::linear;
    const int steps = schedule.at("steps").get<int>();
    for (int done = 0; done <= steps; ++done) {
      EXPECT_NEAR(rate_factor(decay, done, schedule.at("warmup").get<int>(), steps),
                  schedule.at("factors").at(static_cast<std::size_t>(done)).get<double>(), 1e-12)
          << schedule.at("decay") << " after " << done << " of " << steps;
    }
  }
}

TEST(Schedule, WarmUpIsRoundedUp) {
  EXPECT_EQ(warmup_steps(0.1, 11), 2);
  EXPECT_EQ(warmup_steps(0, 11), 0);
}

double relative_distance(const tensor::Tensor& ours, const Json& theirs) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    const double value = theirs[i].get<double>();
    difference += std::pow(ours.f32()[i] - value, 2);
    norm += value * value;
  }
  return std::sqrt(difference / norm);
}

TEST(Optimizer, TenClippedAdamWStepsEqualTorch) {
  const Json record = golden().at("adamw");
  tensor::Exec exec(2);
  std::vector<tensor::Tensor> weights, first, second;
  for (const Json& start : record.at("start")) {
    const auto values = start.get<std::vector<float>>();
    const tensor::Shape shape{static_cast<std::int64_t>(values.size())};
    weights.push_back(tensor::Tensor::from(values, shape));
    first.push_back(tensor::Tensor::zeros(shape));
    second.push_back(tensor::Tensor::zeros(shape));
  }
  int number = 0;
  for (const Json& step : record.at("steps")) {
    ++number;
    std::vector<tensor::Tensor> gradients;
    double squares = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      gradients.push_back(tensor::Tensor::from(step.at("gradients")[i].get<std::vector<float>>(), weights[i].shape()));
      squares += ops::squared_norm(exec, gradients[i].view());
    }
    const double norm = std::sqrt(squares);
    EXPECT_NEAR(norm, step.at("norm").get<double>(), 1e-6 * norm);
    const ops::AdamwSettings settings{3e-2, 0.9, 0.98, 1e-8, 0.05, clip_factor(norm, 1.0), number};
    for (std::size_t i = 0; i < weights.size(); ++i) {
      ops::adamw(exec, settings, {weights[i].view(), gradients[i].view(), first[i].view(), second[i].view()});
      EXPECT_LT(relative_distance(weights[i], step.at("weights")[i]), 1e-6) << "step " << number;
    }
  }
}

void set(tensor::Tensor& to, const Json& values) {
  const auto all = values.get<std::vector<float>>();
  ASSERT_EQ(to.shape().count(), static_cast<std::int64_t>(all.size()));
  std::copy(all.begin(), all.end(), to.f32());
}

TEST(Optimizer, TenLoraPlusStepsEqualTorchsParameterGroups) {
  const Json record = golden().at("lora_plus");
  tensor::Exec exec(2);
  model::LoraSpec spec;
  spec.rank = 1;
  spec.targets = {model::Site::q};
  spec.layers = {1};
  model::Adapter adapter = model::Adapter::init(tiny_config(), spec);
  model::Adapter gradients = adapter.zeros_like();
  model::Adapter first = adapter.zeros_like();
  model::Adapter second = adapter.zeros_like();
  model::LoraPair& pair = adapter.at(1, model::Site::q);
  set(pair.a, record.at("start")[0]);
  set(pair.b, record.at("start")[1]);
  Update update;
  update.learning_rate = record.at("rate").get<double>();
  update.b_rate_ratio = record.at("ratio").get<double>();
  update.beta2 = 0.98;
  update.weight_decay = 0.05;
  for (const Json& step : record.at("steps")) {
    set(gradients.at(1, model::Site::q).a, step.at("gradients")[0]);
    set(gradients.at(1, model::Site::q).b, step.at("gradients")[1]);
    apply(exec, {adapter, gradients, first, second}, update);
    EXPECT_LT(relative_distance(pair.a, step.at("weights")[0]), 1e-6) << "step " << update.number;
    EXPECT_LT(relative_distance(pair.b, step.at("weights")[1]), 1e-6) << "step " << update.number;
    ++update.number;
  }
}

TEST(Optimizer, ClippingOnlyShrinks) {
  EXPECT_EQ(clip_factor(0.5, 1), 1);
  EXPECT_EQ(clip_factor(1e9, 0), 1);
  EXPECT_NEAR(clip_factor(4, 1), 0.25, 1e-6);
}

TEST(Spec, SurvivesJson) {
  TrainSpec spec;
  spec.lora.rank = 4;
  spec.lora.seed = 18446744073709551615ULL;
  spec.learning_rate = 3.3e-4;
  spec.decay = Decay::cosine;
  spec.checkpoint_every = 7;
  spec.lora.scaling = model::Scaling::by_root;
  spec.lora.targets = {model::Site::v, model::Site::down};
  spec.lora.layers = {3, 1};
  spec.lora.rank_pattern = {{"v_proj", 9}, {"a.*", 2}};  // in this order, which is not the alphabet's
  spec.lora.alpha_pattern = {{"z", 2.5F}, {"down_proj", 1}};
  spec.lora.dropout = 0.1F;
  spec.b_rate_ratio = 16;
  spec.neftune = 5;
  spec.prompt_loss_weight = 0.1;
  spec.activations = model::Activations::recomputed;
  const auto read = spec_from_json(value_or_throw(parse_json(to_text(to_json(spec)), "spec")));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(to_text(to_json(*read)), to_text(to_json(spec)));
  EXPECT_EQ(read->lora.seed, spec.lora.seed);
  EXPECT_EQ(read->decay, Decay::cosine);
  EXPECT_EQ(read->lora.scaling, model::Scaling::by_root);
  EXPECT_EQ(read->lora.targets, spec.lora.targets);
  EXPECT_EQ(read->lora.layers, spec.lora.layers);
  EXPECT_EQ(read->lora.rank_pattern, spec.lora.rank_pattern);
  EXPECT_EQ(read->lora.alpha_pattern, spec.lora.alpha_pattern);
  // What is recorded of a pattern given twice is what training takes: the first.
  TrainSpec twice;
  twice.lora.rank_pattern = {{"q_proj", 4}, {"q_proj", 8}};
  EXPECT_EQ(to_json(twice).at("rank_pattern").at("q_proj"), 4);
  EXPECT_EQ(read->lora.dropout, 0.1F);
  EXPECT_EQ(read->b_rate_ratio, 16);
  EXPECT_EQ(read->neftune, 5);
  EXPECT_EQ(read->prompt_loss_weight, 0.1);
  EXPECT_EQ(read->activations, model::Activations::recomputed);
}

// Keys of recorded trainings are made of it.
TEST(Spec, OptionsThatAreOffAreNotWritten) {
  const Json json = to_json(TrainSpec{});
  for (const char* key : {"targets", "layers", "rank_pattern", "alpha_pattern", "scaling", "dropout", "b_rate_ratio",
                          "neftune", "prompt_loss_weight", "activations"}) {
    EXPECT_FALSE(json.contains(key)) << key;
  }
  EXPECT_EQ(json.size(), 18U);
}

TEST(Spec, NamesWhatIsWrong) {
  const auto message = [](const char* text) {
    const auto spec = spec_from_json(value_or_throw(parse_json(text, "spec")));
    return spec ? std::string() : spec.error().message;
  };
  EXPECT_NE(message(R"({"learning_rat": 1})").find("learning_rat"), std::string::npos);
  EXPECT_NE(message(R"({"epochs": 1.5})").find("whole number"), std::string::npos);
  EXPECT_NE(message(R"({"epochs": 0})").find("epochs"), std::string::npos);
  EXPECT_NE(message(R"({"learning_rate": "fast"})").find("fast"), std::string::npos);
  EXPECT_NE(message(R"({"decay": "none"})").find("cosine"), std::string::npos);
  EXPECT_NE(message(R"({"seed": -1})").find("seed"), std::string::npos);
  EXPECT_NE(message("[]").find("object"), std::string::npos);
  EXPECT_NE(message(R"({"targets": ["embed"]})").find("q_proj"), std::string::npos);
  EXPECT_NE(message(R"({"layers": [-1]})").find("layer numbers"), std::string::npos);
  EXPECT_NE(message(R"({"rank_pattern": {"q_proj": 0}})").find("ranks from 1"), std::string::npos);
  EXPECT_NE(message(R"({"dropout": 1})").find("0.99"), std::string::npos);
  EXPECT_NE(message(R"({"scaling": "cube"})").find("by_root"), std::string::npos);
}

}  // namespace
}  // namespace hone::train
