#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "ops/adamw.h"
#include "train/schedule.h"
#include "train/train.h"

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
  const auto read = spec_from_json(value_or_throw(parse_json(to_text(to_json(spec)), "spec")));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(to_text(to_json(*read)), to_text(to_json(spec)));
  EXPECT_EQ(read->lora.seed, spec.lora.seed);
  EXPECT_EQ(read->decay, Decay::cosine);
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
}

}  // namespace
}  // namespace hone::train
