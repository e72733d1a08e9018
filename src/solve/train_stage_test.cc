#include "solve/train_stage.h"

#include <gtest/gtest.h>

#include "diagnose/diagnose.h"
#include "solve/planning.h"
#include "solve/solve_testing.h"

namespace hone::solve {
namespace {

class TrainStage : public testing::Test {
 protected:
  TrainJobSpec job() {
    TrainJobSpec made;
    made.spec.epochs = 2;
    made.spec.lora.rank = 2;
    made.quiet.progress = true;
    return made;
  }
  TestTask task_;
  Workspace workspace_ = open_workspace(task_.folder());
  LocalModel local_ = open_local_model(workspace_);
};

TEST_F(TrainStage, AFinishedRunIsLoadedAndALostAdapterTrainedAgain) {
  const TrainResult first = train_run(workspace_, local_, job(), {});
  ASSERT_EQ(first.end, TrainEnd::finished);
  EXPECT_EQ(train_run(workspace_, local_, job(), {}).run, first.run);
  const auto hash = workspace_.store.find(first.run)->summary.at("adapter_sha256");
  std::filesystem::remove_all(first.trained->adapter_folder);
  const TrainResult again = train_run(workspace_, local_, job(), {});
  ASSERT_EQ(again.end, TrainEnd::finished);
  EXPECT_NE(again.run, first.run);
  EXPECT_EQ(workspace_.store.find(again.run)->summary.at("adapter_sha256"), hash);
}

TEST_F(TrainStage, ATrainingThatBreaksDownIsRecordedAsFailedAndNotRepeated) {
  TrainJobSpec wild = job();
  wild.spec.epochs = 4;
  wild.spec.learning_rate = 1e38;
  wild.spec.warmup = 0;
  wild.spec.clip = 0;
  const TrainResult result = train_run(workspace_, local_, wild, {});
  ASSERT_EQ(result.end, TrainEnd::failed);
  EXPECT_NE(result.why.find("learning rate"), std::string::npos) << result.why;
  EXPECT_EQ(workspace_.store.find(result.run)->status, track::RunStatus::failed);
  const auto steps = workspace_.store.steps(result.run).size();
  EXPECT_GE(steps, 3U);
  const auto findings = diagnose::diagnose_run(workspace_.store, workspace_.task, result.run);
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.front().id, "divergence");
  EXPECT_NE(findings.front().command.find(workspace_.task.folder.string()), std::string::npos)
      << findings.front().command;
  const TrainResult again = train_run(workspace_, local_, wild, {});
  EXPECT_EQ(again.run, result.run);
  EXPECT_EQ(again.end, TrainEnd::failed);
  EXPECT_EQ(workspace_.store.runs().size(), 1U);
}

TEST_F(TrainStage, TheMetricChoosesTheAdapterSoItIsPartOfTheKey) {
  const TrainResult first = train_run(workspace_, local_, job(), {});
  workspace_.task.metric = "accuracy";
  EXPECT_FALSE(recorded_training(workspace_, local_, job().spec));
  workspace_.task.metric = "macro_f1";
  EXPECT_EQ(recorded_training(workspace_, local_, job().spec)->id, first.run);
}

TEST_F(TrainStage, EpochsOfATrainingThatHasBegunStayWhateverTheBudget) {
  const EncodedRows encoded = encode_rows(local_, workspace_, workspace_.split.train);
  RememberedPlan planned = plan_with_model(workspace_, local_, encoded, Budget(600), {});
  const double one = training_seconds(planned.input, training_of(1));
  const auto decided = decide_training(workspace_, local_, planned, {.seconds = 2 * one, .slower = 1}, {});
  ASSERT_TRUE(decided);
  EXPECT_LT(decided->epochs, 6);
  // Decided, but not begun: the next start may decide otherwise.
  planned = plan_with_model(workspace_, local_, encoded, Budget(600), {});
  EXPECT_FALSE(planned.training);
  ASSERT_EQ(decide_training(workspace_, local_, planned, {.seconds = 2 * one, .slower = 1}, {}), decided);
  // Begun and stopped.
  std::stop_source stop;
  stop.request_stop();
  TrainJobSpec made = job();
  made.spec = training_spec(workspace_.task, *decided);
  EXPECT_EQ(train_run(workspace_, local_, made, stop.get_token()).end, TrainEnd::interrupted);
  for (const double budget : {600.0, 0.0, 6000.0}) {
    planned = plan_with_model(workspace_, local_, encoded, Budget(budget), {});
    EXPECT_EQ(planned.training, decided) << budget;
    EXPECT_EQ(decide_training(workspace_, local_, planned, {.seconds = 1000 * one, .slower = 1}, {}), decided)
        << budget;
  }
  // Ended: another budget may train more, the same one is done.
  ASSERT_EQ(train_run(workspace_, local_, made, {}).end, TrainEnd::finished);
  EXPECT_TRUE(plan_with_model(workspace_, local_, encoded, Budget(6000), {}).training);
  EXPECT_FALSE(plan_with_model(workspace_, local_, encoded, Budget(60000), {}).training);
}

TEST_F(TrainStage, AMeasurementThatLeftNothingToAskIsMadeAgain) {
  const EncodedRows encoded = encode_rows(local_, workspace_, workspace_.split.train);
  ASSERT_TRUE(plan_with_model(workspace_, local_, encoded, Budget(600), {}).plan.zero_shot);
  // As a machine that had other work would have left it.
  const Path file = workspace_.folder / "plan.json";
  Json kept = value_or_throw(parse_json(value_or_throw(read_file(file)), "plan.json"));
  kept["input"]["rates"]["read"] = 1e-3;
  kept["plan"]["zero_shot"] = false;
  write_file(file, to_text(kept));
  const RememberedPlan again = plan_with_model(workspace_, local_, encoded, Budget(600), {});
  EXPECT_TRUE(again.plan.zero_shot);
  EXPECT_GT(again.input.rates.prefill, 1);
}

}  // namespace
}  // namespace hone::solve
