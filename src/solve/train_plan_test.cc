#include "solve/train_plan.h"

#include <gtest/gtest.h>

#include "generate/bundle.h"
#include "solve/bundle_stage.h"
#include "solve/model_reference.h"
#include "solve/planning.h"
#include "solve/reproduce.h"
#include "solve/solve_testing.h"
#include "solve/train_stage.h"
#include "train/plan.h"

namespace hone::solve {
namespace {

constexpr std::uint64_t plenty = std::uint64_t{1} << 40;

class TrainPlan : public testing::Test {
 protected:
  TrainingNeeds needs(model::Precision precision, std::uint64_t available = plenty) const {
    return training_needs({workspace_, spec_, precision, available});
  }
  TestTask task_;
  Workspace workspace_ = open_workspace(task_.folder());
  train::TrainSpec spec_;
};

TEST_F(TrainPlan, CountsWeightsAdapterAndSteps) {
  const TrainingNeeds f32 = needs(model::Precision::f32);
  const LocalModel local = open_local_model(workspace_);
  EXPECT_EQ(f32.adapter, 20 * model::Adapter::init(local.model.decoder->config(), spec_.lora).parameters());
  EXPECT_EQ(f32.steps, 9);  // 40 rows, 16 a step, 3 epochs
  EXPECT_GT(f32.activations, 0U);
  EXPECT_TRUE(f32.fits());
  const TrainingNeeds nf4 = needs(model::Precision::nf4);
  EXPECT_LT(nf4.weights, f32.weights);
  train::TrainSpec many = spec_;
  many.micro_batch_tokens = 64;
  const TrainingNeeds less = training_needs({workspace_, many, model::Precision::f32, plenty});
  EXPECT_LT(less.largest_batch, f32.largest_batch);
  EXPECT_LT(less.activations, f32.activations);
  spec_.activations = model::Activations::recomputed;
  EXPECT_LT(needs(model::Precision::f32).activations, f32.activations);
}

// Traces are kept from the lowest adapted layer on, and hold what each map's own rank takes.
TEST_F(TrainPlan, CountsTheLayersAndRanksThatAreTrained) {
  const TrainingNeeds all = needs(model::Precision::f32);
  spec_.lora.rank_pattern = {{".*", 64}};
  EXPECT_GT(needs(model::Precision::f32).activations, all.activations);
  spec_.lora.rank_pattern.clear();
  spec_.lora.layers = {1};
  const TrainingNeeds upper = needs(model::Precision::f32);
  EXPECT_LT(upper.activations, all.activations);
  EXPECT_LT(upper.adapter, all.adapter);
}

TEST_F(TrainPlan, WhatDoesNotFitIsRefusedWithTheSettingThatWould) {
  const TrainingNeeds whole = needs(model::Precision::f32);
  spec_.micro_batch_tokens = 256;
  const std::uint64_t enough = needs(model::Precision::f32).total();
  spec_.micro_batch_tokens = train::TrainSpec{}.micro_batch_tokens;
  ASSERT_LT(enough, whole.total());
  const TrainingQuestion question{workspace_, spec_, model::Precision::f32, enough};
  try {
    needs_that_fit(question);
    FAIL() << "it fits";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::environment);
    EXPECT_NE(std::string(failure.what()).find("it fits with --micro-batch "), std::string::npos) << failure.what();
  }
  EXPECT_EQ(setting_that_fits({workspace_, spec_, model::Precision::f32, 1000}), "");
  spec_.micro_batch_tokens = 128;
  const std::uint64_t quantised = needs(model::Precision::nf4).total();
  const TrainingQuestion small{workspace_, spec_, model::Precision::f32, quantised};
  ASSERT_FALSE(training_needs(small).fits());
  EXPECT_NE(setting_that_fits(small), "");
  // A micro-batch that is small already is tried as it is.
  spec_.micro_batch_tokens = 100;
  spec_.activations = model::Activations::recomputed;
  const std::uint64_t recomputed = needs(model::Precision::f32).total();
  spec_.activations = model::Activations::kept;
  EXPECT_EQ(setting_that_fits({workspace_, spec_, model::Precision::f32, recomputed}), "--checkpoint-activations");
}

TEST_F(TrainPlan, TimeCountsTheTokensOfTheSettings) {
  LocalModel local = open_local_model(workspace_);
  const EncodedRows encoded = encode_rows(local, workspace_, workspace_.split.train);
  const auto tokens = [&] { return measured_input(workspace_, local, encoded, spec_, {}).epoch_tokens; };
  const double shared = tokens();
  EXPECT_EQ(shared, static_cast<double>(train::plan_tokens(encoded.examples, spec_).computed));
  spec_.micro_batch_tokens = 64;
  EXPECT_GT(tokens(), shared) << "prefixes are computed once a micro-batch";
  spec_.micro_batch_tokens = train::TrainSpec{}.micro_batch_tokens;
  spec_.neftune = 5;
  const double alone = encoded.mean_tokens * static_cast<double>(encoded.examples.size());
  EXPECT_DOUBLE_EQ(tokens(), alone - static_cast<double>(encoded.examples.size())) << "nothing is shared";
}

// The precision is part of what a run is: recorded, used again by whoever opens it, and replayed bit for bit.
TEST_F(TrainPlan, ARunKeepsItsPrecision) {
  TrainJobSpec job;
  job.spec.epochs = 1;
  job.spec.lora.rank = 2;
  job.quiet.progress = true;
  LocalModel plain = open_local_model(workspace_);
  const TrainResult in_f32 = train_run(workspace_, plain, job, {});
  LocalModel local = open_local_model(workspace_, model::Precision::nf4);
  EXPECT_EQ(local.model.precision, model::Precision::nf4);
  const TrainResult result = train_run(workspace_, local, job, {});
  ASSERT_EQ(result.end, TrainEnd::finished);
  EXPECT_NE(result.run, in_f32.run);
  EXPECT_EQ(workspace_.store.find(result.run)->manifest.at("base").at("precision"), "nf4");
  EXPECT_FALSE(workspace_.store.find(in_f32.run)->manifest.at("base").contains("precision"));
  EXPECT_EQ(tuned_job(workspace_, local, *result.trained).spec.at("precision"), "nf4");
  EXPECT_EQ(resolve_model(result.run, task_.folder()).precision, model::Precision::nf4);
  EXPECT_EQ(resolve_model(result.run, task_.folder(), {.base = {}, .precision = model::Precision::nf4}).precision,
            model::Precision::nf4);
  EXPECT_THROW(resolve_model(result.run, task_.folder(), {.base = {}, .precision = model::Precision::int8_weights}),
               Failure);
  EXPECT_EQ(
      resolve_model(task_.model().string(), task_.folder(), {.base = {}, .precision = model::Precision::int8_weights})
          .precision,
      model::Precision::int8_weights);
  const Reproduced again = reproduce(task_.folder(), result.run, {}, {.progress = true});
  EXPECT_TRUE(again.identical) << again.what;
}

}  // namespace
}  // namespace hone::solve
