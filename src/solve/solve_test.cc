#include "solve/solve.h"

#include <gtest/gtest.h>

#include <thread>

#include "generate/bundle.h"
#include "solve/solve_testing.h"

namespace hone::solve {
namespace {

struct Heard {
  std::vector<std::string> order;  // what the hooks were told, in order
  std::vector<std::string> notices;
  std::vector<Plan> plans;
  std::size_t concluded_contenders = 0;
  bool bundle_before_conclusion = false;
};

// One start; `stop_at` ends it when the hook of that name is called.
SolveOutcome start(const TestTask& task, Heard& heard, const std::string& stop_at = "", double budget = 0,
                   std::optional<model::Precision> precision = {}) {
  // Reports point into the workspace; nothing here reads one after the return.
  Workspace workspace = open_workspace(task.folder());
  std::stop_source stop;
  const auto hear = [&](const std::string& what) {
    heard.order.push_back(what);
    if (what == stop_at) stop.request_stop();
  };
  SolveHooks hooks;
  hooks.stop = stop.get_token();
  hooks.on_open = [&](const Workspace&) { hear("open"); };
  hooks.on_plan = [&](const Plan& plan) {
    heard.plans.push_back(plan);
    hear("plan");
  };
  hooks.on_table = [&](const Conclusion&, const std::string& stage) { hear("table: " + stage); };
  hooks.on_conclusion = [&](const SolveOutcome& outcome) {
    heard.concluded_contenders = outcome.conclusion.report.contenders.size();
    heard.bundle_before_conclusion = std::filesystem::exists(task.folder() / "bundle");
    hear("conclusion");
  };
  hooks.on_notice = [&](const std::string& notice) { heard.notices.push_back(notice); };
  SolveSpec spec;
  spec.budget_seconds = budget;
  spec.precision = precision;
  spec.quiet.progress = true;
  return solve(workspace, spec, hooks);
}

std::size_t place(const Heard& heard, const std::string& what) {
  return static_cast<std::size_t>(std::find(heard.order.begin(), heard.order.end(), what) - heard.order.begin());
}

std::set<std::string> names(const SolveOutcome& outcome) {
  std::set<std::string> all;
  for (const auto& contender : outcome.conclusion.report.contenders) all.insert(contender.name);
  return all;
}

bool has_notice(const Heard& heard, const std::string& part) {
  return std::any_of(heard.notices.begin(), heard.notices.end(),
                     [&](const auto& notice) { return notice.find(part) != std::string::npos; });
}

TEST(Solve, PlansFirstAndConcludesBeforeItWrites) {
  const TestTask task;
  Heard heard;
  const SolveOutcome outcome = start(task, heard);
  EXPECT_LT(place(heard, "plan"), place(heard, "table: contenders without a language model"));
  EXPECT_LT(place(heard, "table: prompted contenders"), place(heard, "conclusion"));
  EXPECT_FALSE(heard.bundle_before_conclusion);
  EXPECT_TRUE(std::filesystem::exists(outcome.bundle));
  EXPECT_TRUE(std::filesystem::exists(outcome.report));
  EXPECT_EQ(names(outcome),
            (std::set<std::string>{"majority class", "kNN (BM25)", "plain classifier", "zero-shot",
                                   "few-shot, 8 examples", "few-shot, 4 nearest", "linear probe", "fine-tuned"}));
  EXPECT_FALSE(outcome.interrupted);
  EXPECT_FALSE(outcome.problem);
  EXPECT_GT(outcome.took.at(StageKind::train), 0);
}

TEST(Solve, StoppedAnywhereItConcludesAndTheNextStartGoesOn) {
  const TestTask task;
  std::size_t known = 0;
  for (const char* at :
       {"open", "plan", "table: contenders without a language model", "table: prompted contenders", "plan"}) {
    Heard heard;
    const SolveOutcome outcome = start(task, heard, at);
    EXPECT_TRUE(outcome.interrupted) << at;
    EXPECT_FALSE(outcome.problem) << at;
    EXPECT_EQ(heard.order.back(), "conclusion") << at;
    EXPECT_EQ(heard.concluded_contenders, names(outcome).size());
    EXPECT_GE(names(outcome).size(), known) << at << ": what an earlier start found is still part of the conclusion";
    known = names(outcome).size();
    EXPECT_TRUE(outcome.bundle.empty());
    EXPECT_TRUE(std::filesystem::exists(outcome.report));
    const auto& commands = outcome.conclusion.report.next_commands;
    ASSERT_FALSE(commands.empty());
    EXPECT_EQ(commands.front().second, "hone solve " + task.folder().string());
  }
  EXPECT_EQ(known, 7U);
  Heard heard;
  EXPECT_EQ(names(start(task, heard)).size(), 8U);
  const auto runs = open_workspace(task.folder()).store.runs();
  std::set<std::string> distinct;
  for (const auto& run : runs) distinct.insert(run.kind + run.name);
  EXPECT_EQ(distinct.size(), runs.size()) << "nothing is done twice";
}

// Stops after so many milliseconds, wherever that is.
bool start_for(const TestTask& task, int milliseconds) {
  Workspace workspace = open_workspace(task.folder());
  std::stop_source stop;
  std::jthread timer([&stop, milliseconds] {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    stop.request_stop();
  });
  SolveHooks hooks;
  hooks.stop = stop.get_token();
  bool concluded = false;
  hooks.on_conclusion = [&](const SolveOutcome&) { concluded = true; };
  const SolveOutcome outcome =
      solve(workspace, {.budget_seconds = 0, .prices = {}, .quiet = {.progress = true}}, hooks);
  EXPECT_TRUE(concluded);
  EXPECT_FALSE(outcome.problem) << outcome.problem->message;
  return !outcome.interrupted;
}

TEST(Solve, ManyInterruptionsGiveWhatOneUnbrokenStartGives) {
  const TestTask broken;
  const TestTask whole;
  int starts = 0;
  while (!start_for(broken, 60 + 25 * starts)) ASSERT_LT(++starts, 60);
  EXPECT_GT(starts, 1) << "it was never interrupted";
  Heard heard;
  start(whole, heard);
  const auto figures = [](const TestTask& task) {
    std::map<std::string, std::string> all;
    const Workspace workspace = open_workspace(task.folder());
    for (const auto& run : workspace.store.runs()) {
      EXPECT_EQ(run.status, track::RunStatus::finished) << run.id;
      EXPECT_FALSE(all.contains(run.name)) << run.id << " was done twice";
      all[run.name] =
          run.kind == "train" ? run.summary.at("adapter_sha256").get<std::string>() : to_text(run.summary.at("test"));
    }
    return all;
  };
  EXPECT_EQ(figures(broken), figures(whole));
}

class WithoutNetwork {
 public:
  WithoutNetwork() : path_(std::getenv("PATH")) {
    setenv("PATH", "/nowhere", 1);  // no pip
    setenv("HF_ENDPOINT", "http://127.0.0.1:1", 1);
  }
  ~WithoutNetwork() {
    setenv("PATH", path_.c_str(), 1);
    unsetenv("HF_ENDPOINT");
  }

 private:
  std::string path_;
};

TEST(Solve, WithoutTheModelTheCheapContendersStillConclude) {
  TestTask task;
  task.use_base("smollm2-135m-instruct");
  const WithoutNetwork offline;
  Heard heard;
  const SolveOutcome outcome = start(task, heard, "", 780);
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->code, ErrorCode::environment);
  EXPECT_FALSE(outcome.interrupted);
  ASSERT_EQ(heard.plans.size(), 1U) << "a plan comes first on a fresh machine too";
  EXPECT_EQ(heard.plans[0].stages.front().kind, StageKind::download);
  EXPECT_FALSE(heard.plans[0].rates.is_measured);
  EXPECT_EQ(names(outcome).size(), 3U);
  EXPECT_FALSE(outcome.conclusion.report.recommendation.headline.empty());
  EXPECT_TRUE(generate::is_bundle(outcome.bundle));
  EXPECT_TRUE(std::filesystem::exists(outcome.report));
  const auto& commands = outcome.conclusion.report.next_commands;
  ASSERT_GE(commands.size(), 2U);
  EXPECT_EQ(commands[0].second, "hone models pull smollm2-135m-instruct");
  EXPECT_EQ(commands[1].second, "hone solve " + task.folder().string() + " --budget 13m");
}

TEST(Solve, ABaseThatCannotBeOpenedIsNamedAndTheRestConcludes) {
  TestTask task;
  task.use_base((task.root() / "missing.gguf").string());
  Heard heard;
  const SolveOutcome outcome = start(task, heard);
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->code, ErrorCode::bad_input);
  EXPECT_TRUE(has_notice(heard, "missing.gguf"));
  EXPECT_EQ(names(outcome).size(), 3U);
  EXPECT_EQ(heard.order.back(), "conclusion");
}

TEST(Solve, ABundleThatCannotBeWrittenLosesNeitherConclusionNorReport) {
  const TestTask task;
  write_file(task.folder() / "bundle" / "mine.txt", "not a bundle");
  Heard heard;
  const SolveOutcome outcome = start(task, heard);
  ASSERT_TRUE(outcome.problem);
  EXPECT_NE(outcome.problem->message.find("no bundle"), std::string::npos) << outcome.problem->message;
  EXPECT_EQ(heard.concluded_contenders, 8U);
  EXPECT_TRUE(outcome.bundle.empty());
  EXPECT_TRUE(std::filesystem::exists(outcome.report));
}

TEST(Solve, TextAndJsonTasksRunToTheirBundle) {
  for (const auto kind : {data::Kind::text, data::Kind::json}) {
    const TestTask task(kind, {.train = 24, .validation = 6, .test = 6});
    Heard heard;
    const SolveOutcome outcome = start(task, heard);
    EXPECT_FALSE(outcome.problem);
    const auto found = names(outcome);
    EXPECT_TRUE(found.contains("copy the input") && found.contains("nearest row's output") &&
                found.contains("fine-tuned") && found.contains("zero-shot"));
    EXPECT_FALSE(found.contains("plain classifier") || found.contains("linear probe"));
    ASSERT_TRUE(generate::is_bundle(outcome.bundle));
    for (const auto& contender : outcome.conclusion.report.contenders) {
      for (const auto& row : contender.test) EXPECT_LE(row.completion_tokens, 60) << "answers are kept short";
    }
  }
}

TEST(Solve, TheTargetDecidesTheOutcomeNotTheKeys) {
  TestTask task;
  Heard heard;
  EXPECT_FALSE(start(task, heard).target_missed);
  task.write_toml("target = 1.0\n");
  Heard again;
  const SolveOutcome outcome = start(task, again);
  EXPECT_TRUE(outcome.target_missed);
  EXPECT_EQ(open_workspace(task.folder()).store.runs().size(), 9U) << "no contender ran again for a new target";
}

TEST(Solve, WhatTheBudgetLeftOutOfTrainingTheNextStartGoesOnWith) {
  const TestTask task;
  Heard heard;
  // Opening and the end are planned with more than this, so that nothing is left for training.
  const SolveOutcome first = start(task, heard, "", 3);
  EXPECT_FALSE(names(first).contains("fine-tuned"));
  EXPECT_TRUE(has_notice(heard, "no time is left to fine-tune")) << "and it says so";
  EXPECT_FALSE(first.bundle.empty());
  Heard again;
  EXPECT_TRUE(names(start(task, again, "", 300)).contains("fine-tuned"));
}

TEST(Solve, WhatTheBudgetLeftOutTheNextStartOfTheSameBudgetBringsBack) {
  const TestTask task;
  Heard first;
  start(task, first, "plan", 300);
  // As a machine that had other work would have planned it.
  const Path file = task.folder() / ".hone/plan.json";
  Json kept = value_or_throw(parse_json(value_or_throw(read_file(file)), "plan.json"));
  kept["plan"]["probe"] = false;
  for (Json& stage : kept["plan"]["stages"])
    if (stage["stage"] == "probe") stage["skipped"] = true;
  write_file(file, to_text(kept));
  Heard second;
  EXPECT_TRUE(names(start(task, second, "", 300)).contains("linear probe"));
  EXPECT_TRUE(has_notice(second, "there is time to linear probe"));
}

TEST(Solve, ThePrecisionIsKeptByTheNextStart) {
  const TestTask task;
  Heard heard;
  start(task, heard, "plan", 0, model::Precision::nf4);
  Heard again;
  const SolveOutcome outcome = start(task, again);
  EXPECT_TRUE(has_notice(again, "kept in nf4, as before"));
  const Workspace workspace = open_workspace(task.folder());
  int with_model = 0;
  for (const auto& run : workspace.store.runs()) {
    const Json& manifest = run.manifest;
    if (manifest.contains("base")) {
      EXPECT_EQ(manifest.at("base").value("precision", "f32"), "nf4") << run.name;
    }
    const Json spec = manifest.value("contender", Json::object()).value("spec", Json::object());
    if (!spec.contains("base_sha256")) continue;
    EXPECT_EQ(spec.value("precision", "f32"), "nf4") << run.name;
    ++with_model;
  }
  EXPECT_GE(with_model, 4);
  // Asked for again, f32 is another set of contenders.
  const std::size_t runs = workspace.store.runs().size();
  Heard f32;
  start(task, f32, "", 0, model::Precision::f32);
  EXPECT_GT(open_workspace(task.folder()).store.runs().size(), runs);
  Heard last;
  start(task, last);
  EXPECT_FALSE(has_notice(last, "as before"));
}

TEST(Solve, TheNextCommandsFollowTheVerdict) {
  const TestTask task;
  Heard heard;
  const SolveOutcome outcome = start(task, heard);
  const auto verdict = outcome.conclusion.report.recommendation.verdict;
  ASSERT_TRUE(verdict == decide::VerdictKind::collect_data || verdict == decide::VerdictKind::not_decidable)
      << decide::name_of(verdict);
  const auto& commands = outcome.conclusion.report.next_commands;
  const auto more = std::find_if(commands.begin(), commands.end(),
                                 [](const auto& next) { return next.first.find("more rows") != std::string::npos; });
  ASSERT_NE(more, commands.end()) << "so few rows ask for more of them";
  EXPECT_EQ(more->second, "hone solve " + task.folder().string());
  const auto ask = std::find_if(commands.begin(), commands.end(),
                                [](const auto& next) { return next.second.starts_with("hone ask "); });
  ASSERT_NE(ask, commands.end());
  EXPECT_LT(more, ask) << "the verdict comes before what can be used meanwhile";
}

TEST(Solve, WhatAKilledStartLeftRunningIsMarkedByTheNext) {
  const TestTask task;
  std::vector<std::string> left;
  {
    Workspace workspace = open_workspace(task.folder());
    left = {workspace.store.begin("train", "fine-tune", {{"key", "other"}}),
            workspace.store.begin("contender", "old", {{"contender", {{"kind", "prompted"}}}}),
            workspace.store.begin("contender", "large", {{"contender", {{"kind", "api"}}}})};
  }
  Heard heard;
  start(task, heard, "open");
  const track::Store store = std::move(open_workspace(task.folder()).store);
  EXPECT_EQ(store.get(left[0]).status, track::RunStatus::interrupted);
  EXPECT_EQ(store.get(left[1]).status, track::RunStatus::interrupted);
  EXPECT_EQ(store.get(left[2]).status, track::RunStatus::running) << "another command, with another lock, asks there";
}

TEST(Duration, IsReadWithItsUnit) {
  EXPECT_EQ(*parse_duration("90"), 90);
  EXPECT_EQ(*parse_duration("90s"), 90);
  EXPECT_EQ(*parse_duration("1.5m"), 90);
  EXPECT_EQ(*parse_duration("2h"), 7200);
  for (const char* wrong : {"", "soon", "-3m", "0s", "3d"}) EXPECT_FALSE(parse_duration(wrong)) << wrong;
}

}  // namespace
}  // namespace hone::solve
