#include "solve/contenders.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "solve/cheap_jobs.h"
#include "solve/solve_testing.h"

namespace hone::solve {
namespace {

// Answers "go" to everything and remembers what it was asked.
struct Oracle : text::Responder {
  std::vector<std::string> asked;
  std::size_t batches = 0;
  std::stop_source stop;
  std::size_t stop_after = SIZE_MAX;
  std::size_t fail_after = SIZE_MAX;

  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token token) override {
    ++batches;
    for (std::size_t i = 0; i < requests.size() && !token.stop_requested(); ++i) {
      if (asked.size() >= fail_after) fail(ErrorCode::environment, "the disk is full");
      asked.push_back(requests[i].id);
      on_reply(i, text::Reply{.id = requests[i].id,
                              .answer = "go",
                              .label_probabilities = {{"stop", 0.25}, {"go", 0.75}},
                              .finish = "label",
                              .usage = {.prompt_tokens = 10, .completion_tokens = 1},
                              .latency_ms = 0,
                              .logprobs = {}});
      if (asked.size() >= stop_after) stop.request_stop();
    }
  }
};

class ContenderTest : public testing::Test {
 protected:
  ContenderJob job(const std::shared_ptr<Oracle>& oracle, const std::string& name = "oracle") {
    ContenderJob made;
    made.name = name;
    made.kind = eval::ContenderKind::prompted;
    made.spec = {{"version", 1}};
    made.make = [oracle] { return oracle; };
    made.request = [this](const data::Row& row) { return prompt::bare_request(workspace_.task, row); };
    return made;
  }
  std::optional<eval::ContenderResult> run(const ContenderJob& made, std::stop_token stop = {}) {
    return run_contender(workspace_, made, std::move(stop), {.progress = true});
  }
  std::size_t recorded(const std::string& side) {
    const auto runs = workspace_.store.runs();
    return runs.empty() ? 0 : workspace_.store.rows(runs.back().id, side).size();
  }

  TestTask task_{data::Kind::classify, {.train = 40, .validation = 20, .test = 90}};
  Workspace workspace_ = open_workspace(task_.folder());
  std::shared_ptr<Oracle> oracle_ = std::make_shared<Oracle>();
};

TEST_F(ContenderTest, GoesOnWhereItWasStopped) {
  oracle_->stop_after = 3 + 100 + 40;  // warm-up, validation and latency, half of the test rows
  EXPECT_FALSE(run(job(oracle_), oracle_->stop.get_token()));
  ASSERT_EQ(workspace_.store.runs().size(), 1U);
  EXPECT_EQ(workspace_.store.runs()[0].status, track::RunStatus::interrupted);
  EXPECT_EQ(recorded("test"), 40U) << "answers that came are kept, also those of the last incomplete write";
  const auto second = std::make_shared<Oracle>();
  const auto result = run(job(second));
  ASSERT_TRUE(result);
  EXPECT_EQ(second->asked.size(), 50U) << "only what is missing, and no new warm-up";
  EXPECT_EQ(result->test.size(), 90U);
  EXPECT_EQ(workspace_.store.runs().size(), 1U);
  EXPECT_EQ(workspace_.store.runs()[0].status, track::RunStatus::finished);
  const auto third = std::make_shared<Oracle>();
  EXPECT_EQ(run(job(third))->test_metrics.named.at("accuracy").value, result->test_metrics.named.at("accuracy").value);
  EXPECT_TRUE(third->asked.empty());
  EXPECT_EQ(workspace_.store.test_reads(), 1);
}

TEST_F(ContenderTest, AFailureInTheMiddleKeepsWhatWasAnswered) {
  oracle_->fail_after = 3 + 100 + 40;
  EXPECT_THROW(run(job(oracle_)), Failure);
  EXPECT_EQ(recorded("test"), 40U);
  const auto second = std::make_shared<Oracle>();
  EXPECT_TRUE(run(job(second)));
  EXPECT_EQ(second->asked.size(), 50U);
}

TEST_F(ContenderTest, LatencyRestsOnAHundredRequestsAlone) {
  const auto result = run(job(oracle_));
  EXPECT_EQ(result->latency.n, 100U) << "twenty validation rows, each asked five times";
  EXPECT_EQ(std::count(oracle_->asked.begin(), oracle_->asked.end(), workspace_.split.validation[1].id), 5);
  EXPECT_EQ(result->validation.size(), 20U);
  EXPECT_EQ(oracle_->batches, 3U + 100U + 1U);
}

TEST_F(ContenderTest, ALatencyCutShortIsCompletedByTheNextStart) {
  oracle_->stop_after = 3 + 8;
  EXPECT_FALSE(run(job(oracle_), oracle_->stop.get_token()));
  EXPECT_EQ(recorded("latency"), 8U);
  EXPECT_EQ(recorded("validation"), 8U);
  EXPECT_EQ(run(job(std::make_shared<Oracle>()))->latency.n, 100U);
}

TEST_F(ContenderTest, LatencyIncludesMakingTheRequest) {
  ContenderJob slow = job(oracle_);
  slow.request = [inner = slow.request](const data::Row& row) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return inner(row);
  };
  EXPECT_GE(run(slow)->latency.p50_ms, 2);
}

TEST_F(ContenderTest, WhatCostsMoneyIsAskedOnce) {
  ContenderJob paid = job(oracle_);
  paid.asking = Asking::paid;
  const auto result = run(paid);
  EXPECT_EQ(oracle_->asked.size(), 110U);
  EXPECT_EQ(result->latency.n, 20U);
}

TEST_F(ContenderTest, ValidatingNeverLooksAtTheTestRows) {
  const auto result = validate_contender(workspace_, job(oracle_), {}, {.progress = true});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->validation.size(), 20U);
  EXPECT_TRUE(result->test.empty());
  EXPECT_EQ(workspace_.store.test_reads(), 0);
  EXPECT_FALSE(workspace_.store.runs()[0].summary.contains("test"));
  const auto second = std::make_shared<Oracle>();
  EXPECT_EQ(run(job(second))->test.size(), 90U);
  EXPECT_EQ(second->asked.size(), 90U) << "the validation rows are not asked again";
  EXPECT_TRUE(workspace_.store.runs()[0].summary.contains("test"));
}

std::set<std::string> ids(const std::vector<eval::ScoredRow>& rows) {
  std::set<std::string> all;
  for (const auto& row : rows) all.insert(row.id);
  return all;
}

TEST_F(ContenderTest, FewRowsAreCrossValidatedOnceAndChosenByTheSameRows) {
  int times = 0;
  ContenderJob cheap;
  for (auto& made : cheap_jobs(workspace_)) {
    if (made.kind == eval::ContenderKind::ngram) cheap = std::move(made);
  }
  ASSERT_TRUE(cheap.cross_validate);
  cheap.cross_validate = [&times, inner = cheap.cross_validate](const std::stop_token& stop) {
    ++times;
    return inner(stop);
  };
  const auto crossed = run(cheap);
  ASSERT_TRUE(crossed);
  EXPECT_EQ(workspace_.store.rows(crossed->run, "cross-validation").size(), 60U) << "training and validation rows";
  EXPECT_EQ(ids(crossed->validation), ids(run(job(oracle_))->validation));
  EXPECT_EQ(workspace_.store.find(crossed->run)->summary.at("cross_validation").at("n"), 60);
  run(cheap);
  EXPECT_EQ(times, 1) << "a recorded contender is not cross-validated again";
}

TEST_F(ContenderTest, CrossValidationNeverSeesTheRowItAnswers) {
  // Labels drawn at random: one that saw the row would know it, one that did not is right half the time.
  Rng rng(3);
  for (auto* side : {&workspace_.split.train, &workspace_.split.validation}) {
    for (auto& row : *side) row.output = rng.below(2) == 0 ? "stop" : "go";
  }
  for (const auto& made : cheap_jobs(workspace_)) {
    if (made.kind != eval::ContenderKind::knn) continue;
    const auto scored = made.cross_validate({});
    const auto right = std::count_if(scored.begin(), scored.end(), [](const auto& row) { return row.score > 0; });
    EXPECT_LT(right, 45) << "of 60";
  }
}

TEST(CheapJobs, ManyRowsAreNotCrossValidated) {
  const TestTask task(data::Kind::classify, {.train = 300, .validation = 50, .test = 60});
  const Workspace workspace = open_workspace(task.folder());
  for (const auto& job : cheap_jobs(workspace)) EXPECT_FALSE(job.cross_validate) << job.name;
}

TEST(CheapJobs, TextAndJsonAreCopiedOrLookedUpNeverClassified) {
  for (const auto kind : {data::Kind::text, data::Kind::json}) {
    const TestTask task(kind);
    const Workspace workspace = open_workspace(task.folder());
    std::set<eval::ContenderKind> kinds;
    for (const auto& job : cheap_jobs(workspace)) kinds.insert(job.kind);
    EXPECT_EQ(kinds, (std::set{eval::ContenderKind::copy, eval::ContenderKind::nearest}));
  }
}

}  // namespace
}  // namespace hone::solve
