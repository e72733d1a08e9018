#include "solve/reproduce.h"

#include <gtest/gtest.h>

#include "solve/bundle_stage.h"
#include "solve/evaluate.h"
#include "solve/planning.h"
#include "solve/solve.h"
#include "solve/solve_testing.h"

namespace hone::solve {
namespace {

const Quiet quiet{.progress = true};

std::vector<track::RunRecord> solved(const TestTask& task) {
  Workspace workspace = open_workspace(task.folder());
  solve(workspace, {.budget_seconds = 0, .prices = {}, .quiet = quiet}, {});
  return workspace.store.runs();
}

TEST(Reproduce, EveryKindOfRunComesOutTheSame) {
  TestTask task;
  const auto runs = solved(task);
  ASSERT_EQ(runs.size(), 9U);
  // Circumstances change after a run; it is replayed as it was recorded.
  task.write_toml("target = 0.5\nmargin = 0.1\n", "latency_ms = 20\n");
  for (const auto& run : runs) {
    const Reproduced again = reproduce(task.folder(), run.id, {}, quiet);
    EXPECT_TRUE(again.identical) << run.id << ": " << again.what;
  }
  write_file(task.folder() / "hone.toml", "no task at all");
  EXPECT_TRUE(reproduce(task.folder() / "hone.toml", runs.back().id, {}, quiet).identical);
}

TEST(Reproduce, ATrainingThatTheClockEnded) {
  const TestTask task;
  Workspace workspace = open_workspace(task.folder());
  LocalModel local = open_local_model(workspace);
  TrainJobSpec job;
  job.spec = training_spec(workspace.task, training_of(6));
  job.max_steps = 7;  // what a clock would have done, at a step that no validation falls on
  job.quiet = quiet;
  const TrainResult result = train_run(workspace, local, job, {});
  ASSERT_EQ(result.trained->ended, "time");
  const Reproduced again = reproduce(task.folder(), result.run, {}, quiet);
  EXPECT_TRUE(again.identical) << again.what;
  EXPECT_NE(again.what.find("after 7 steps"), std::string::npos) << again.what;
}

TEST(Reproduce, AnEvaluationAndItsBundle) {
  const TestTask task;
  solved(task);
  const EvalOutcome scored = evaluate({.model = (task.folder() / "bundle").string(),
                                       .data = task.folder() / "test.jsonl",
                                       .task = task.folder(),
                                       .quiet = quiet},
                                      {});
  const Reproduced again = reproduce(task.folder(), scored.run, {}, quiet);
  EXPECT_TRUE(again.identical) << again.what;
  EXPECT_EQ(again.compared, 16U);
  write_file(task.folder() / "test.jsonl", "{\"input\": \"other\", \"output\": \"go\"}\n");
  EXPECT_THROW(reproduce(task.folder(), scored.run, {}, quiet), Failure);
}

TEST(Reproduce, ARunThatWasOnlyValidated) {
  const TestTask task;
  Workspace workspace = open_workspace(task.folder());
  LocalModel local = open_local_model(workspace);
  TrainJobSpec job;
  job.spec.epochs = 1;
  job.quiet = quiet;
  const TrainResult trained = train_run(workspace, local, job, {});
  const auto contender = validate_contender(workspace, tuned_job(workspace, local, *trained.trained), {}, quiet);
  const Reproduced again = reproduce(task.folder(), contender->run, {}, quiet);
  EXPECT_TRUE(again.identical) << again.what;
  EXPECT_EQ(again.compared, 12U);
}

TEST(Reproduce, ChangedRowsAreNamedAndTheSplitIsLeftAlone) {
  const TestTask task;
  const auto runs = solved(task);
  const Path rows = task.folder() / "train.jsonl";
  const std::string split = value_or_throw(read_file(task.folder() / ".hone" / "split.json"));
  write_file(rows, value_or_throw(read_file(rows)) + "{\"input\": \"one more row here\", \"output\": \"go\"}\n");
  try {
    reproduce(task.folder(), runs.front().id, {}, quiet);
    FAIL() << "it replayed other rows";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::bad_input);
    EXPECT_NE(std::string(failure.what()).find("train.jsonl"), std::string::npos);
  }
  EXPECT_EQ(value_or_throw(read_file(task.folder() / ".hone" / "split.json")), split);
}

}  // namespace
}  // namespace hone::solve
