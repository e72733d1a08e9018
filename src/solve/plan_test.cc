#include "solve/plan.h"

#include <gtest/gtest.h>

#include "solve/budget.h"
#include "solve/plan_json.h"

namespace hone::solve {
namespace {

// examples/guard on two ordinary cores.
PlanInput guard() {
  return {.train_rows = 672,
          .validation_rows = 168,
          .test_rows = 560,
          .labels = 2,
          .row_tokens = 53,
          .prefix_tokens = 80,
          .answer_tokens = 3,
          .most_answer_tokens = 0,
          .adapter_bytes = 19'500'000,
          .download_bytes = 0,
          .opening_seconds = 12,
          .rates = {.prefill = 1000, .train = 400, .decode = 0, .decode_alone = 0, .is_measured = true},
          .budget_seconds = 0};
}

TEST(MakePlan, WithoutABudgetNothingIsTakenAway) {
  const Plan plan = make_plan(guard());
  EXPECT_EQ(plan.shots, 8);
  EXPECT_EQ(plan.knn_shots, 4);
  EXPECT_TRUE(plan.probe);
  EXPECT_EQ(plan.training.epochs, 6);
  for (const auto& stage : plan.stages) EXPECT_FALSE(stage.skipped) << stage.name;
}

TEST(MakePlan, KeepsEveryBudgetThatHoldsTheCheapContenders) {
  int epochs = 0;
  for (double budget = 40; budget < 4000; budget *= 1.15) {
    PlanInput input = guard();
    input.budget_seconds = budget;
    const Plan plan = make_plan(input);
    EXPECT_LE(plan.total_seconds(), budget) << budget;
    EXPECT_GE(plan.training.epochs, epochs) << "a larger budget never trains less: " << budget;
    epochs = plan.training.epochs;
  }
  EXPECT_EQ(epochs, 6);
}

TEST(MakePlan, UsesABudgetInsteadOfLeavingIt) {
  PlanInput input = guard();
  for (const double budget : {780.0, 1000.0}) {
    for (const double train : {350.0, 450.0, 520.0}) {
      input.budget_seconds = budget;
      input.rates.train = train;
      const Plan plan = make_plan(input);
      EXPECT_GE(plan.training.epochs, 2);
      EXPECT_GT(plan.knn_shots, 0) << "no contender is given up while epochs can be";
      EXPECT_GT(plan.shots, 0);
      // What is left holds no further epoch.
      const double more =
          training_seconds(input, training_of(plan.training.epochs + 1)) - training_seconds(input, plan.training);
      EXPECT_TRUE(plan.training.epochs == 6 || plan.total_seconds() + more > budget);
    }
  }
}

TEST(MakePlan, SmallDataIsReadMoreOften) {
  EXPECT_EQ(most_epochs(19), 0);
  EXPECT_EQ(most_epochs(20), 6);
  EXPECT_EQ(most_epochs(999), 6);
  EXPECT_EQ(most_epochs(1000), 4);
  EXPECT_EQ(most_epochs(3000), 3);
}

TEST(MakePlan, TooFewRowsToTrainAreSaidToBe) {
  PlanInput input = guard();
  input.train_rows = 12;
  const Plan plan = make_plan(input);
  EXPECT_EQ(plan.training.epochs, 0);
  EXPECT_EQ(plan.shots, 6);
  const auto why = [&](StageKind kind) {
    for (const auto& stage : plan.stages) {
      if (stage.kind == kind) return stage.why;
    }
    return std::string("no such stage");
  };
  EXPECT_NE(why(StageKind::train).find("20 rows"), std::string::npos) << why(StageKind::train);
  EXPECT_EQ(why(StageKind::few_shot), "") << "no budget took the shots away";
}

TEST(MakePlan, ValidatesAtLeastFourTimesSoThatOverfittingShows) {
  for (int epochs = 1; epochs <= 6; ++epochs) {
    const TrainingPlan training = training_of(epochs);
    EXPECT_GE(epochs * training.validations_per_epoch, 4) << epochs;
    EXPECT_GE(training.patience, 3);
  }
}

TEST(MakePlan, CountsDiskMoneyAndWhatLeavesTheMachine) {
  PlanInput input = guard();
  const Plan plan = make_plan(input);
  EXPECT_GE(plan.disk_bytes, 10 * input.adapter_bytes);
  EXPECT_LT(plan.kept_bytes, plan.disk_bytes);
  EXPECT_EQ(plan.usd, 0);
  EXPECT_TRUE(plan.leaves_machine.empty());
  input.download_bytes = 98'362'432;
  const Plan with_download = make_plan(input);
  EXPECT_EQ(with_download.stages.front().kind, StageKind::download);
  EXPECT_EQ(with_download.leaves_machine.size(), 1U);
  EXPECT_GT(with_download.total_seconds(), plan.total_seconds());
}

TEST(MakePlan, FreeTextIsPricedByItsDecoding) {
  PlanInput input = guard();
  input.labels = 0;
  input.answer_tokens = 30;
  input.most_answer_tokens = 70;
  input.rates.decode = 150;
  input.rates.decode_alone = 30;
  const Plan plan = make_plan(input);
  EXPECT_EQ(plan.seconds_of(StageKind::probe), 0);
  const double decoding = 100 * 70 / 30.0 + 628 * 70 / 150.0;
  EXPECT_GT(plan.seconds_of(StageKind::zero_shot), decoding);
  EXPECT_LT(plan.seconds_of(StageKind::score_tuned), plan.seconds_of(StageKind::zero_shot))
      << "a tuned model ends its answers";
}

TEST(PlanRest, BringsBackWhatFitsAtTheSpeedThatWasSeen) {
  PlanInput input = guard();
  input.budget_seconds = 400;
  const Plan first = make_plan(input);
  ASSERT_TRUE(first.knn_shots == 0 || !first.probe) << "the budget took something away";
  const Plan same = plan_rest(input, first,
                              {.done = StageKind::zero_shot,
                               .seconds_left = first.seconds_after(StageKind::zero_shot),
                               .slower_reading = 1,
                               .slower_training = 1});
  EXPECT_EQ(to_json(same)["stages"], to_json(first)["stages"]) << "as planned, nothing changes";
  const double left = input.budget_seconds - 12 - first.seconds_of(StageKind::zero_shot) / 4;
  const Plan fast =
      plan_rest(input, first,
                {.done = StageKind::zero_shot, .seconds_left = left, .slower_reading = 0.25, .slower_training = 0.8});
  EXPECT_GT(fast.knn_shots, first.knn_shots);
  EXPECT_TRUE(fast.probe);
  EXPECT_GE(fast.training.epochs, first.training.epochs);
  EXPECT_EQ(fast.seconds_of(StageKind::zero_shot), first.seconds_of(StageKind::zero_shot)) << "what is over stays";
  EXPECT_LE(fast.seconds_after(StageKind::zero_shot), left);
}

TEST(PlanRest, TakesAwayWhatNoLongerFits) {
  PlanInput input = guard();
  input.budget_seconds = 780;
  const Plan first = make_plan(input);
  ASSERT_GT(first.knn_shots, 0);
  const Plan slow = plan_rest(
      input, first, {.done = StageKind::zero_shot, .seconds_left = 300, .slower_reading = 3, .slower_training = 3});
  EXPECT_EQ(slow.knn_shots, 0);
  EXPECT_TRUE(slow.zero_shot);
  EXPECT_LE(slow.seconds_after(StageKind::zero_shot), 300);
  const Plan late =
      plan_rest(input, first, {.done = StageKind::probe, .seconds_left = 1, .slower_reading = 1, .slower_training = 1});
  EXPECT_EQ(late.shots, first.shots) << "what was asked is not unsaid";
  EXPECT_EQ(late.training.epochs, 0);
}

TEST(PlanRest, WhatIsRecordedStaysAndTakesNoTime) {
  PlanInput input = guard();
  input.budget_seconds = 400;
  const Plan first = make_plan(input);
  const SoFar nothing{.done = StageKind::zero_shot, .seconds_left = 60, .slower_reading = 1, .slower_training = 1};
  SoFar trained = nothing;
  trained.recorded = {StageKind::few_shot, StageKind::train, StageKind::score_tuned};
  const Plan less = plan_rest(input, first, nothing);
  const Plan kept = plan_rest(input, first, trained);
  EXPECT_LT(less.training.epochs, first.training.epochs);
  EXPECT_EQ(kept.shots, first.shots);
  EXPECT_EQ(kept.seconds_of(StageKind::train), first.seconds_of(StageKind::train));
  EXPECT_GE(kept.knn_shots, less.knn_shots);
}

TEST(BringBack, TakesWhatFitsAndLeavesTheRestAsItIs) {
  PlanInput input = guard();
  input.budget_seconds = 400;
  const Plan first = make_plan(input);
  ASSERT_GT(first.shots, 0);
  ASSERT_FALSE(first.probe);
  ASSERT_EQ(first.knn_shots, 0);
  const Plan none = bring_back(input, first, 0);
  EXPECT_EQ(to_json(none)["stages"], to_json(first)["stages"]);
  const Plan all = bring_back(input, first, 1e6);
  EXPECT_TRUE(all.probe);
  EXPECT_EQ(all.knn_shots, 4);
  EXPECT_EQ(all.shots, first.shots) << "what was planned is not changed";
  EXPECT_EQ(all.training, first.training);
  EXPECT_GT(all.seconds_of(StageKind::probe), 0);
  for (double seconds = 1; seconds < 2000; seconds *= 1.5) {
    const Plan some = bring_back(input, first, seconds);
    EXPECT_LE(some.total_seconds() - first.total_seconds(), seconds) << seconds;
  }
  // Where there was time for nothing, what comes first is asked first.
  input.budget_seconds = 1;
  const Plan bare = make_plan(input);
  ASSERT_FALSE(bare.zero_shot);
  const double zero_shot = make_plan(guard()).seconds_of(StageKind::zero_shot);
  const Plan one = bring_back(input, bare, zero_shot);
  EXPECT_TRUE(one.zero_shot);
  EXPECT_EQ(one.training.epochs, 0);
}

TEST(MakePlan, CountsTheTokensThatAStepComputes) {
  PlanInput input = guard();
  const double guessed = training_seconds(input, training_of(2));
  input.epoch_tokens = 672 * 136;  // nothing is shared
  EXPECT_GT(training_seconds(input, training_of(2)), 1.5 * guessed);
  EXPECT_EQ(plan_input_from_json(to_json(input))->epoch_tokens, input.epoch_tokens);
}

TEST(Budget, LearnsOnlyFromSecondsThatSaySomething) {
  Budget budget(100);
  budget.learn(2, 8);
  EXPECT_FALSE(budget.has_learned());
  EXPECT_EQ(budget.slower_reading(), 1);
  budget.learn(8, 2);
  EXPECT_TRUE(budget.has_learned());
  EXPECT_DOUBLE_EQ(budget.slower_reading(), 1);
  budget.learn(90, 10);
  EXPECT_DOUBLE_EQ(budget.slower_reading(), 0.2);
  EXPECT_DOUBLE_EQ(budget.slower(), 0.8) << "training need not be as much faster";
}

TEST(FitTraining, TakesTheEpochsThatFitTheTimeThatIsLeft) {
  const PlanInput input = guard();
  const double one = training_seconds(input, training_of(4)) / 4;
  EXPECT_EQ(fit_training(input, 100 * one, 1).epochs, 6) << "more time than planned goes to more epochs";
  EXPECT_EQ(fit_training(input, 4.2 * one, 1).epochs, 4);
  EXPECT_EQ(fit_training(input, 4.2 * one, 2).epochs, 1) << "twice as slow, and two epochs validate four times";
  EXPECT_EQ(fit_training(input, 0.7 * training_seconds(input, training_of(1)), 1).epochs, 1)
      << "the clock ends it, as the last resort";
  EXPECT_EQ(fit_training(input, 0.3 * one, 1).epochs, 0);
}

TEST(PlanJson, ComesBackAsItWas) {
  PlanInput input = guard();
  input.budget_seconds = 300;
  input.download_bytes = 5;
  const Plan plan = make_plan(input);
  EXPECT_EQ(to_json(value_or_throw(plan_from_json(to_json(plan)))), to_json(plan));
  EXPECT_EQ(to_json(value_or_throw(plan_input_from_json(to_json(input)))), to_json(input));
  EXPECT_EQ(value_or_throw(training_from_json(to_json(plan.training))), plan.training);
  EXPECT_FALSE(plan_from_json(Json::object()));
  EXPECT_FALSE(plan_input_from_json({{"train_rows", "many"}}));
}

}  // namespace
}  // namespace hone::solve
