#include "train/train.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <thread>

#include "base/testing.h"
#include "train/checkpoint.h"
#include "train/plan.h"
#include "train/train_testing.h"

namespace hone::train {
namespace {

TrainSpec tiny_spec() {
  TrainSpec spec;
  spec.lora.rank = 2;
  spec.learning_rate = 1e-2;
  spec.epochs = 3;
  spec.batch_rows = 8;
  spec.micro_batch_tokens = 30;
  spec.validations_per_epoch = 2;
  spec.checkpoint_every = 3;
  spec.patience = 0;
  return spec;
}

struct Training {
  std::vector<data::Example> examples = tiny_examples(45);
  TrainSpec spec = tiny_spec();
  Path folder;
  Hooks hooks;
  double max_seconds = 0;
  int max_steps = 0;
  int threads = 2;

  // Best at step 9 of 18, so that keeping the best and keeping the last differ.
  Outcome run() {
    tensor::Exec exec(threads);
    const model::Decoder decoder = tiny_decoder();
    const std::vector<data::Example> held_out = tiny_examples(60);
    if (!hooks.validate) {
      hooks.validate = [&](const model::Adapter& adapter, int step) {
        const auto rows = pointers(held_out);
        const model::LossSum sum = decoder.loss(exec, pack(std::span(rows).last(15)), &adapter);
        return Validation{0, -std::abs(step - 9.0), sum.loss / sum.weight};
      };
    }
    TrainJob job;
    job.examples = examples;
    job.spec = spec;
    job.checkpoint_folder = folder;
    job.max_seconds = max_seconds;
    job.max_steps = max_steps;
    return train::run(exec, decoder, job, hooks);
  }
};

void expect_equal(Outcome& a, Outcome& b) {
  EXPECT_EQ(values_of(a.adapter), values_of(b.adapter));
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.best_step, b.best_step);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.ended, b.ended);
  ASSERT_EQ(a.events.size(), b.events.size());
  for (std::size_t i = 0; i < a.events.size(); ++i) {
    EXPECT_EQ(a.events[i].step, b.events[i].step);
    EXPECT_EQ(a.events[i].loss, b.events[i].loss);
    EXPECT_EQ(a.events[i].gradient_norm, b.events[i].gradient_norm);
    EXPECT_EQ(a.events[i].learning_rate, b.events[i].learning_rate);
  }
  ASSERT_EQ(a.validations.size(), b.validations.size());
  for (std::size_t i = 0; i < a.validations.size(); ++i) {
    EXPECT_EQ(a.validations[i].step, b.validations[i].step);
    EXPECT_EQ(a.validations[i].metric, b.validations[i].metric);
    EXPECT_EQ(a.validations[i].loss, b.validations[i].loss);
  }
}

std::string failure_of(Training& training) {
  try {
    training.run();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return {};
}

TEST(Train, DrivesTheLossDown) {
  Training training;
  training.spec.epochs = 12;
  const Outcome outcome = training.run();
  EXPECT_EQ(outcome.ended, "all epochs");
  EXPECT_EQ(outcome.steps, 12 * 6);
  EXPECT_LT(outcome.events.back().loss, 0.3 * outcome.events.front().loss);
  EXPECT_EQ(outcome.events.front().learning_rate, 0);
}

TEST(Train, WeightsThatAreNoLongerNumbersBreakItDown) {
  Training training;
  training.spec.learning_rate = 1e39;  // beyond f32
  training.spec.validations_per_epoch = 0;
  training.max_steps = 2;  // the first one's rate is 0, and no loss follows the second
  EXPECT_NE(failure_of(training).find("no longer finite"), std::string::npos);
}

TEST(Train, CountsTokensAsThePlanSays) {
  Training training;
  training.spec.epochs = 1;
  const Outcome outcome = training.run();
  const TokenPlan plan = plan_tokens(training.examples, training.spec);
  std::int64_t computed = 0;
  for (const StepEvent& event : outcome.events) computed += event.computed;
  EXPECT_EQ(outcome.tokens, plan.tokens);
  EXPECT_EQ(computed, plan.computed);
  EXPECT_EQ(outcome.steps, plan.steps);
}

TEST(Train, RepeatsBitForBit) {
  Training a, b;
  Outcome first = a.run(), second = b.run();
  expect_equal(first, second);
}

TEST(Train, InterruptedAnywhereAndResumedEqualsUnbroken) {
  Training whole;
  Outcome unbroken = whole.run();
  ASSERT_GT(unbroken.validations.size(), 3U);
  ASSERT_EQ(unbroken.best_step, 9);
  for (const int at : {1, 4, 6, 11}) {
    const TemporaryFolder folder;
    Training training;
    training.folder = folder.path();
    std::stop_source stop;
    training.hooks.stop = stop.get_token();
    training.hooks.on_step = [&](const StepEvent& event) {
      if (event.step == at) stop.request_stop();
    };
    Outcome broken = training.run();
    EXPECT_EQ(broken.ended, "interrupted");
    EXPECT_EQ(broken.steps, at);
    Training rest;
    rest.folder = folder.path();
    Outcome resumed = rest.run();
    expect_equal(resumed, unbroken);
  }
}

// Everything that draws random numbers or changes the update.
TrainSpec every_option() {
  TrainSpec spec = tiny_spec();
  spec.lora.scaling = model::Scaling::by_root;
  spec.lora.targets = {model::Site::q, model::Site::v, model::Site::gate, model::Site::down};
  spec.lora.layers = {0, 1};
  spec.lora.rank_pattern = {{"v_proj", 3}};
  spec.lora.alpha_pattern = {{"layers.1.mlp.*", 5}};
  spec.lora.dropout = 0.2F;
  spec.b_rate_ratio = 4;
  spec.neftune = 3;
  spec.prompt_loss_weight = 0.1;
  spec.activations = model::Activations::recomputed;
  return spec;
}

TEST(Train, WithEveryOptionOnResumedEqualsUnbroken) {
  Training whole;
  whole.spec = every_option();
  Outcome unbroken = whole.run();
  Training plain;
  Outcome other = plain.run();
  ASSERT_NE(unbroken.events.back().loss, other.events.back().loss);
  for (const int at : {1, 7}) {
    const TemporaryFolder folder;
    Training training;
    training.spec = every_option();
    training.folder = folder.path();
    std::stop_source stop;
    training.hooks.stop = stop.get_token();
    training.hooks.on_step = [&](const StepEvent& event) {
      if (event.step == at) stop.request_stop();
    };
    ASSERT_EQ(training.run().ended, "interrupted");
    Training rest;
    rest.spec = every_option();
    rest.folder = folder.path();
    Outcome resumed = rest.run();
    expect_equal(resumed, unbroken);
  }
}

// Noise belongs to rows, not to how a step is cut: other micro-batches give the same run but for rounding.
TEST(Train, NoiseDoesNotDependOnMicroBatches) {
  Training small, large;
  small.spec = large.spec = every_option();
  large.spec.micro_batch_tokens = 1000;
  const Outcome one = small.run(), other = large.run();
  ASSERT_LT(other.events[0].computed, 1000);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(one.events[i].loss, other.events[i].loss, 1e-4);
}

TEST(Train, RecomputedActivationsChangeNoBit) {
  Training kept, recomputed;
  recomputed.spec.activations = model::Activations::recomputed;
  Outcome one = kept.run(), other = recomputed.run();
  expect_equal(one, other);
}

TEST(Train, SaysWhenNoiseEndsSharing) {
  EXPECT_TRUE(notices(tiny_spec()).empty());
  ASSERT_EQ(notices(every_option()).size(), 1U);
  EXPECT_NE(notices(every_option())[0].find("dropout"), std::string::npos);
}

TEST(Train, ALayerOrPatternTheModelLacksIsRefused) {
  Training layer, pattern;
  layer.spec.lora.layers = {2};
  pattern.spec.lora.rank_pattern = {{"query", 4}};
  EXPECT_NE(failure_of(layer).find("layer 2"), std::string::npos) << failure_of(layer);
  EXPECT_NE(failure_of(pattern).find("query"), std::string::npos) << failure_of(pattern);
}

TEST(Train, OtherThreadsOnResumeAreToldNotPrinted) {
  const TemporaryFolder folder;
  Training training;
  training.folder = folder.path();
  training.max_steps = 3;
  training.run();
  Training rest;
  rest.folder = folder.path();
  rest.threads = 1;
  std::vector<std::string> told;
  rest.hooks.on_notice = [&](const std::string& notice) { told.push_back(notice); };
  rest.run();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("2 threads"), std::string::npos);
}

TEST(Train, KilledAnywhereAndResumedEqualsUnbroken) {
  Training whole;
  Outcome unbroken = whole.run();
  const TemporaryFolder folder;
  // Each life is killed a few events further on; the last one ends.
  for (const int life : {2, 5, 7, 10, 14}) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Training training;
      training.folder = folder.path();
      int validations = 0;
      training.hooks.on_step = [&](const StepEvent& event) {
        if (event.step >= life) kill(getpid(), SIGKILL);
      };
      training.hooks.on_validation = [&](const Validation&) {
        if (life == 7 && ++validations == 1) kill(getpid(), SIGKILL);
      };
      training.run();
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  Training rest;
  rest.folder = folder.path();
  Outcome resumed = rest.run();
  expect_equal(resumed, unbroken);
}

TEST(Train, AFinishedJobGivesItsOutcomeAtOnce) {
  const TemporaryFolder folder;
  Training training;
  training.folder = folder.path();
  Outcome first = training.run();
  Training again;
  again.folder = folder.path();
  int steps = 0;
  again.hooks.on_step = [&](const StepEvent&) { ++steps; };
  Outcome second = again.run();
  expect_equal(first, second);
  EXPECT_EQ(steps, 0);
}

TEST(Train, StopsWithoutGainAndKeepsTheBest) {
  Training training;
  training.spec.patience = 2;
  std::vector<std::vector<float>> seen;
  training.hooks.validate = [&](const model::Adapter& adapter, int) {
    model::Adapter copy = adapter.copy();
    seen.push_back(values_of(copy));
    const std::vector<double> metrics = {0.5, 0.7, std::nan(""), 0.7, 0.9};
    return Validation{0, metrics[seen.size() - 1], 1};
  };
  Outcome outcome = training.run();
  EXPECT_EQ(outcome.ended, "no gain for 2 validations");
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(outcome.best_step, outcome.validations[1].step);
  EXPECT_EQ(values_of(outcome.adapter), seen[1]);
}

TEST(Train, ASmallerLossBreaksATieOfTheMetric) {
  Training training;
  training.spec.epochs = 1;
  double loss = 2;
  training.hooks.validate = [&](const model::Adapter&, int) { return Validation{0, 0.5, loss -= 0.5}; };
  EXPECT_EQ(training.run().best_step, 6);
}

TEST(Train, WithoutValidationTheLastAdapterIsKept) {
  Training training;
  tensor::Exec exec(2);
  TrainJob job;
  job.examples = training.examples;
  job.spec = training.spec;
  const Outcome outcome = train::run(exec, tiny_decoder(), job, {});
  EXPECT_EQ(outcome.best_step, outcome.steps);
  EXPECT_TRUE(outcome.validations.empty());
}

TEST(Train, EndsWhenItsTimeIsUpAndGoesOnWithMore) {
  const TemporaryFolder folder;
  Training training;
  training.folder = folder.path();
  training.max_seconds = 1e-9;
  EXPECT_EQ(training.run().ended, "time");
  Training more;
  more.folder = folder.path();
  EXPECT_EQ(more.run().ended, "all epochs");
}

TEST(Train, MeasuresItsTimeFromTheStartOfTheSitting) {
  const TemporaryFolder folder;
  Training first;
  first.folder = folder.path();
  first.max_steps = 3;
  first.hooks.on_step = [](const StepEvent&) { std::this_thread::sleep_for(std::chrono::milliseconds(120)); };
  ASSERT_EQ(first.run().ended, "time");
  Training second;
  second.folder = folder.path();
  second.max_seconds = 0.3;  // less than the first sitting took
  second.spec.epochs = first.spec.epochs;
  EXPECT_GT(second.run().steps, 3);
}

TEST(Train, ARunThatTheClockEndedIsReplayedByItsSteps) {
  Training timed;
  timed.max_seconds = 0.35;
  timed.hooks.on_step = [](const StepEvent&) { std::this_thread::sleep_for(std::chrono::milliseconds(50)); };
  Outcome ended = timed.run();
  ASSERT_EQ(ended.ended, "time");
  ASSERT_GT(ended.steps, 0);
  ASSERT_LT(ended.steps, 18);
  Training again;
  again.max_steps = ended.steps;
  Outcome replayed = again.run();
  expect_equal(ended, replayed);
}

TEST(Train, ThreeLossesInARowThatAreNotFiniteStopTheRun) {
  Training training;
  training.spec.learning_rate = 1e38;
  training.spec.warmup = 0;
  training.spec.clip = 0;
  std::vector<StepEvent> events;
  training.hooks.on_step = [&](const StepEvent& event) { events.push_back(event); };
  training.hooks.validate = [](const model::Adapter&, int) { return Validation{}; };
  try {
    training.run();
    FAIL() << "it went on";
  } catch (const BrokeDown& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::bad_input);
    EXPECT_NE(std::string(failure.what()).find("learning rate"), std::string::npos);
  }
  ASSERT_GE(events.size(), 4U);
  EXPECT_FALSE(events.front().skipped);
  for (std::size_t i = events.size() - 3; i < events.size(); ++i) EXPECT_TRUE(events[i].skipped);
}

TEST(Train, RefusesTheCheckpointOfAnotherJob) {
  const TemporaryFolder folder;
  Training training;
  training.folder = folder.path();
  training.run();
  Training other_rows, other_rate;
  other_rows.folder = other_rate.folder = folder.path();
  other_rows.examples[7].answer[0] = 12;
  other_rate.spec.learning_rate = 2e-2;
  EXPECT_NE(failure_of(other_rows).find("another training job"), std::string::npos);
  EXPECT_NE(failure_of(other_rate).find("another training job"), std::string::npos);
}

TEST(Train, NamesADamagedCheckpoint) {
  const TemporaryFolder folder;
  Training training;
  training.folder = folder.path();
  training.run();
  const Path file = checkpoint_file(folder.path());
  const std::string bytes = value_or_throw(read_file(file));
  write_file(file, std::string_view(bytes).substr(0, bytes.size() / 2));
  EXPECT_NE(failure_of(training).find("checkpoint.safetensors"), std::string::npos);
}

TEST(Train, NamesARowItCannotLearnFrom) {
  Training training;
  training.examples[3].answer.clear();
  EXPECT_NE(failure_of(training).find("row3"), std::string::npos);
  Training foreign;
  foreign.examples[4].prompt[0] = 40;
  EXPECT_NE(failure_of(foreign).find("row4"), std::string::npos);
  Training none;
  none.examples.clear();
  EXPECT_NE(failure_of(none).find("no rows"), std::string::npos);
}

}  // namespace
}  // namespace hone::train
