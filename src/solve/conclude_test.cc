#include "solve/conclude.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "solve/cheap_jobs.h"
#include "solve/recorded.h"
#include "solve/solve_testing.h"

namespace hone::solve {
namespace {

using eval::ContenderKind;
using eval::Verdict;

struct Skill {
  double validation = 0.5;
  double test = 0.5;
};

class ConcludeTest : public testing::Test {
 protected:
  // Answers of a contender that is right on these shares of the rows; which ones follows from its name.
  eval::ContenderResult contender(const std::string& name, ContenderKind kind, Skill skill) const {
    eval::ContenderResult result;
    result.name = name;
    result.kind = kind;
    result.validation = answers(workspace_.split.validation, skill.validation, name + " validation");
    result.test = answers(workspace_.split.test, skill.test, name + " test");
    result.validation_metrics = eval::measure(result.validation, workspace_.task, 1);
    result.test_metrics = eval::measure(result.test, workspace_.task, 1);
    result.latency = {.p50_ms = 10, .p95_ms = 20, .n = 100};
    return result;
  }

  eval::ContenderResult majority() const {
    auto result = contender("majority class", ContenderKind::majority, {0, 0});
    for (auto* rows : {&result.validation, &result.test}) {
      for (auto& row : *rows) row.answer = "go";
    }
    result.validation_metrics = eval::measure(result.validation, workspace_.task, 1);
    result.test_metrics = eval::measure(result.test, workspace_.task, 1);
    return result;
  }

  Conclusion concluded(std::vector<eval::ContenderResult> contenders) const {
    ConcludeInput input;
    input.contenders = std::move(contenders);
    return conclude(workspace_, std::move(input));
  }

  TestTask task_{data::Kind::classify, {.train = 60, .validation = 160, .test = 240}};
  Workspace workspace_ = open_workspace(task_.folder());

 private:
  static std::vector<eval::ScoredRow> answers(const std::vector<data::Row>& rows, double right,
                                              const std::string& name) {
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    Rng rng(std::hash<std::string>{}(name));
    rng.shuffle(order);
    const auto rights = static_cast<std::size_t>(std::lround(right * static_cast<double>(rows.size())));
    std::vector<eval::ScoredRow> scored;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      eval::ScoredRow row;
      row.id = rows[i].id;
      row.gold = rows[i].output;
      row.answer = order[i] < rights ? row.gold : (row.gold == "go" ? "stop" : "go");
      scored.push_back(std::move(row));
    }
    return scored;
  }
};

const eval::NamedComparison* find(const Conclusion& conclusion, const std::string& a, const std::string& b) {
  for (const auto& named : conclusion.report.comparisons) {
    if ((named.a == a && named.b == b) || (named.a == b && named.b == a)) return &named;
  }
  return nullptr;
}

TEST_F(ConcludeTest, ThePrimaryComparisonIsChosenOnValidation) {
  const Conclusion conclusion = concluded({contender("fine-tuned", ContenderKind::tuned, {0.95, 0.93}),
                                           contender("plain classifier", ContenderKind::ngram, {0.85, 0.70}),
                                           contender("few-shot", ContenderKind::prompted, {0.80, 0.92}), majority()});
  EXPECT_EQ(conclusion.best, "fine-tuned");
  EXPECT_EQ(conclusion.best_untuned, "plain classifier") << "although few-shot is luckier on the test rows";
  const auto& primary = conclusion.report.comparisons.front();
  EXPECT_TRUE(primary.primary);
  EXPECT_EQ(primary.a, "fine-tuned");
  EXPECT_EQ(primary.b, "plain classifier");
  EXPECT_EQ(primary.adjusted_p, primary.comparison.p);
  EXPECT_EQ(conclusion.report.recommendation.verdict, decide::VerdictKind::fine_tune);
}

TEST_F(ConcludeTest, EveryOtherComparisonIsAdjustedForAllOfThem) {
  const Conclusion conclusion = concluded({contender("fine-tuned", ContenderKind::tuned, {0.95, 0.92}),
                                           contender("plain classifier", ContenderKind::ngram, {0.90, 0.90}),
                                           contender("few-shot", ContenderKind::prompted, {0.80, 0.86}),
                                           contender("kNN", ContenderKind::knn, {0.75, 0.87}), majority()});
  std::vector<double> p;
  std::vector<double> adjusted;
  for (const auto& named : conclusion.report.comparisons) {
    if (named.primary) continue;
    p.push_back(named.comparison.p);
    adjusted.push_back(named.adjusted_p);
    const bool better = named.comparison.verdict == Verdict::a_better || named.comparison.verdict == Verdict::b_better;
    EXPECT_FALSE(better && named.adjusted_p > 0.05) << named.a;
  }
  EXPECT_EQ(p.size(), 4u);  // few-shot, kNN and majority against the best; the best untuned one against majority
  EXPECT_EQ(adjusted, eval::holm(p));
  EXPECT_NE(find(conclusion, "plain classifier", "majority class"), nullptr);
}

TEST_F(ConcludeTest, LuckOnTheTestRowsIsNotCalledBetter) {
  // As after learning from shuffled labels: no skill on the validation rows, whatever the test rows say.
  const Conclusion conclusion =
      concluded({contender("fine-tuned", ContenderKind::tuned, {0.52, 0.75}),
                 contender("plain classifier", ContenderKind::ngram, {0.51, 0.50}), majority()});
  ASSERT_TRUE(conclusion.primary);
  EXPECT_GT(conclusion.primary->difference.low, 0);
  EXPECT_LT(conclusion.primary->p, 0.05);
  for (const auto& named : conclusion.report.comparisons) {
    EXPECT_NE(named.comparison.verdict, Verdict::a_better) << named.a;
    EXPECT_NE(named.comparison.verdict, Verdict::b_better) << named.a;
  }
  EXPECT_NE(conclusion.primary->note.find("validation"), std::string::npos);
  EXPECT_EQ(conclusion.report.recommendation.verdict, decide::VerdictKind::too_hard);
}

TEST_F(ConcludeTest, ALargeModelIsPaidByItsTokens) {
  auto large = contender("gpt-6-luna, zero-shot", ContenderKind::api, {0.95, 0.95});
  large.price_id = "gpt-6-luna";
  large.mean_prompt_tokens = 660;
  large.mean_completion_tokens = 25;
  const Conclusion conclusion =
      concluded({large, contender("fine-tuned", ContenderKind::tuned, {0.80, 0.80}),
                 contender("plain classifier", ContenderKind::ngram, {0.75, 0.75}), majority()});
  EXPECT_EQ(conclusion.best_untuned, large.name);
  EXPECT_NEAR(conclusion.report.contenders.front().usd_per_million, 78.5, 1e-9);
  EXPECT_NEAR(conclusion.report.contenders[1].usd_per_million, decide::local_usd_per_million(10, 40, 0.3), 1e-9);
  EXPECT_EQ(conclusion.report.recommendation.verdict, decide::VerdictKind::keep_prompting);
}

TEST_F(ConcludeTest, WithoutOneItSaysWhatATryCosts) {
  const Conclusion conclusion =
      concluded({contender("fine-tuned", ContenderKind::tuned, {0.9, 0.9}),
                 contender("plain classifier", ContenderKind::ngram, {0.8, 0.8}), majority()});
  const std::string caveats = fmt::format("{}", fmt::join(conclusion.report.recommendation.caveats, " "));
  EXPECT_NE(caveats.find(fmt::format("`hone prompt {} --model gpt-6-luna`", task_.folder().string())),
            std::string::npos)
      << caveats;
  EXPECT_NE(caveats.find("on your 400 validation and test rows that costs about $0.00"), std::string::npos) << caveats;
}

TEST_F(ConcludeTest, PricesOfOnesOwnAreUsed) {
  ConcludeInput input;
  input.contenders = {contender("plain classifier", ContenderKind::ngram, {0.8, 0.8}), majority()};
  input.prices = decide::built_in_prices();
  input.prices->cpu_usd_per_month = 400;
  input.prices->utilisation = 0.1;
  EXPECT_NEAR(conclude(workspace_, std::move(input)).report.contenders.front().usd_per_million,
              decide::local_usd_per_million(10, 400, 0.1), 1e-9);
}

TEST_F(ConcludeTest, ContendersWithoutTestRowsAreLeftOut) {
  auto validated_only = contender("another learning rate", ContenderKind::tuned, {0.99, 0.9});
  validated_only.test.clear();
  const Conclusion conclusion = concluded({validated_only, contender("kNN", ContenderKind::knn, {0.8, 0.8})});
  EXPECT_EQ(conclusion.report.contenders.size(), 1u);
  EXPECT_EQ(conclusion.best_tuned, "");
  EXPECT_TRUE(to_json(conclusion)["primary"].is_null());
  EXPECT_TRUE(concluded({}).report.contenders.empty());
}

TEST_F(ConcludeTest, ATargetIsMissedByTheOneThatIsUsed) {
  const auto kNN = contender("kNN", ContenderKind::knn, {0.8, 0.8});
  EXPECT_FALSE(misses_target(concluded({kNN})));
  workspace_.task.target = 0.7;
  EXPECT_FALSE(misses_target(concluded({kNN})));
  workspace_.task.target = 0.9;
  EXPECT_TRUE(misses_target(concluded({kNN})));
  EXPECT_TRUE(misses_target(concluded({})));
}

class RecordedTest : public ConcludeTest {
 protected:
  eval::ContenderResult run(const ContenderJob& job) { return *run_contender(workspace_, job, {}, {.progress = true}); }

  // A contender that always gives this label.
  ContenderJob constant(const std::string& name, const std::string& label, int version) {
    ContenderJob job = cheap_jobs(workspace_).front();
    job.name = name;
    job.spec["version"] = version;
    std::vector<data::Row> one(1);
    one.front().output = label;
    job.make = [one, this] { return std::shared_ptr<text::Responder>(classic::majority(one, workspace_.task.labels)); };
    return job;
  }
};

TEST_F(RecordedTest, GivesWhatTheRunsGave) {
  std::vector<eval::ContenderResult> ran;
  for (const ContenderJob& job : cheap_jobs(workspace_)) ran.push_back(run(job));
  const auto recorded = recorded_contenders(workspace_);
  ASSERT_EQ(recorded.size(), ran.size());
  for (std::size_t i = 0; i < ran.size(); ++i) {
    EXPECT_EQ(eval::to_json(recorded[i]), eval::to_json(ran[i]));
    EXPECT_EQ(eval::to_json(recorded[i].validation_metrics), eval::to_json(ran[i].validation_metrics));
  }
  EXPECT_EQ(to_json(concluded(recorded)), to_json(concluded(ran)));
}

TEST_F(RecordedTest, OfOneNameTheBestByValidationCounts) {
  const auto go = run(constant("go first", "go", 1));
  const auto stop = run(constant("go first", "stop", 2));
  run(constant("stop first", "stop", 2));
  run(constant("stop first", "go", 1));
  const auto& task = workspace_.task;
  const double better = std::max(validation_metric(go, task), validation_metric(stop, task));
  ASSERT_NE(validation_metric(go, task), validation_metric(stop, task));
  const auto recorded = recorded_contenders(workspace_);
  ASSERT_EQ(recorded.size(), 2u);
  for (const auto& contender : recorded) EXPECT_EQ(validation_metric(contender, task), better) << contender.name;
}

TEST_F(RecordedTest, LeavesOutOtherDataAndUnfinishedRuns) {
  run(constant("done", "go", 1));
  const std::string begun = workspace_.store.begin(
      "contender", "begun", {{"data_key", workspace_.data_key}, {"contender", {{"kind", "knn"}}}});
  EXPECT_EQ(recorded_contenders(workspace_).size(), 1u);
  workspace_.store.finish(begun, track::RunStatus::finished, Json::object());  // without a row
  EXPECT_EQ(recorded_contenders(workspace_).size(), 1u);
  workspace_.data_key = "of other rows";
  EXPECT_TRUE(recorded_contenders(workspace_).empty());
}

TEST_F(RecordedTest, ReadsThePriceOfALargeModel) {
  ContenderJob job = constant("gpt-6-luna, zero-shot", "go", 1);
  job.kind = ContenderKind::api;
  const std::string id = run(job).run;
  workspace_.store.finish(id, track::RunStatus::finished, {{"api", {{"price_id", "gpt-6-luna"}}}});
  const auto recorded = recorded_contenders(workspace_);
  ASSERT_EQ(recorded.size(), 1u);
  EXPECT_EQ(recorded[0].price_id, "gpt-6-luna");
  EXPECT_EQ(recorded[0].kind, ContenderKind::api);
}

TEST_F(ConcludeTest, AContenderWhoseModelMadeTestLabelsIsShownAndNotRanked) {
  const auto plain = contender("plain classifier", ContenderKind::ngram, {0.7, 0.7});
  const auto large = contender("gpt-x, few-shot, 8 examples", ContenderKind::api, {0.95, 0.95});
  const auto ranked = concluded({majority(), plain, large});
  EXPECT_EQ(ranked.best, large.name);
  for (data::Row& row : workspace_.split.test) row.labels_by = "people";
  EXPECT_EQ(concluded({majority(), plain, large}).best, large.name);
  for (std::size_t i = 0; i < 12; ++i) workspace_.split.test[i].labels_by = "GPT-x at api.example.com";
  const auto conclusion = concluded({majority(), plain, large});
  EXPECT_EQ(conclusion.best, plain.name);
  EXPECT_EQ(conclusion.best_untuned, plain.name);
  const auto& last = conclusion.report.contenders.back();
  ASSERT_EQ(last.name, large.name);
  EXPECT_NE(last.unranked.find("12 of the"), std::string::npos) << last.unranked;
  EXPECT_EQ(find(conclusion, plain.name, large.name), nullptr);
  EXPECT_NE(conclusion.report.recommendation.use, large.name);
  const auto& caveats = conclusion.report.recommendation.caveats;
  EXPECT_TRUE(std::any_of(caveats.begin(), caveats.end(),
                          [](const auto& line) { return line.find("not ranked") != std::string::npos; }));
  EXPECT_NE(report::terminal_table(conclusion.report).find("not ranked"), std::string::npos);
}

}  // namespace
}  // namespace hone::solve
