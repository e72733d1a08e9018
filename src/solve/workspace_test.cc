#include "solve/workspace.h"

#include <gtest/gtest.h>

#include "solve/solve_testing.h"

namespace hone::solve {
namespace {

TEST(DataKey, HoldsWhatAnswersDependOnAndNothingElse) {
  TestTask task;
  const auto key = [&] { return open_workspace(task.folder()).data_key; };
  const std::string before = key();
  task.write_toml("metric = \"accuracy\"\ntarget = 0.9\nmargin = 0.05\npositive = \"stop\"\n",
                  "latency_ms = 50\nrequests_per_month = 1000\nchanges = \"weekly\"\n");
  EXPECT_EQ(key(), before) << "how answers are weighed says nothing about the answers";
  task.use_base("smollm2-135m-instruct");
  EXPECT_EQ(key(), before) << "contenders of a base model name it by its hash";
  task.write_toml("instruction = \"Say something else.\"\n");
  EXPECT_NE(key(), before);
  task.write_toml("abstain = true\n");
  EXPECT_NE(key(), before);
  task.write_toml();
  EXPECT_EQ(key(), before);
  const Path rows = task.folder() / "test.jsonl";
  write_file(rows, value_or_throw(read_file(rows)) + "{\"input\": \"one more\", \"output\": \"go\"}\n");
  EXPECT_NE(key(), before);
}

TEST(Manifest, SaysWhatTheSameBitsNeed) {
  const TestTask task;
  const Workspace workspace = open_workspace(task.folder());
  const Json manifest = shared_manifest(workspace);
  EXPECT_FALSE(manifest.at("hone").at("version").get<std::string>().empty());
  EXPECT_EQ(manifest.at("hone").at("build").get<std::string>().size(), 16U);
  EXPECT_NE(manifest.at("machine").at("cpu"), "");
  EXPECT_NE(manifest.at("machine").at("kernels"), "none");
  EXPECT_EQ(manifest.at("machine").at("precision"), "f32");
  EXPECT_TRUE(manifest.at("machine").at("libraries").contains("onednn"));
  EXPECT_GE(manifest.at("threads").get<int>(), 1);
  EXPECT_EQ(manifest.at("files").size(), 3U);
}

TEST(RecordedTask, OpensAsItWasWhateverTheFileSaysNow) {
  TestTask task;
  const Json manifest = shared_manifest(open_workspace(task.folder()));
  write_file(task.folder() / "hone.toml", "not a task any more");
  const Workspace again = open_workspace(recorded_task(manifest, task.folder()));
  EXPECT_EQ(again.data_key, manifest.at("data_key"));
  EXPECT_EQ(again.task.instruction, "Say it.");
}

}  // namespace
}  // namespace hone::solve
