#include <gtest/gtest.h>

#include "decide/decide_testing.h"

namespace hone::decide {
namespace {

TEST(Choose, FineTuneWhenThePrimaryComparisonSaysBetter) {
  const Recommendation result = Situation(plain(0.85), tuned(0.95)).decide();
  EXPECT_EQ(result.verdict, VerdictKind::fine_tune);
  EXPECT_EQ(result.use, "fine-tuned");
  EXPECT_NE(result.headline.find("points better than plain classifier"), std::string::npos);
}

TEST(Choose, PlainClassifierIsEnoughWhenTunedIsNoBetter) {
  for (const double right : {0.91, 0.80}) {
    const Recommendation result = Situation(plain(0.90), tuned(right)).decide();
    EXPECT_EQ(result.verdict, VerdictKind::plain_classifier) << right;
    EXPECT_EQ(result.use, "plain classifier");
  }
}

// Right wherever the other is, but for `missed` rows.
eval::ContenderResult like(const eval::ContenderResult& other, const std::string& name, ContenderKind kind,
                           std::size_t missed) {
  const data::Task task = guard_task();
  eval::ContenderResult result = other;
  result.name = name;
  result.kind = kind;
  for (std::size_t i = 0; i < result.test.size() && missed > 0; i += 7) {
    eval::ScoredRow& row = result.test[i];
    if (row.answer != row.gold) continue;
    row.answer = row.gold == "benign" ? "malicious" : "benign";
    --missed;
  }
  result.test_metrics = eval::measure(result.test, task, 1);
  return result;
}

// A slow probe, the tuned one well behind, and a plain classifier that misses `missed` rows more than the probe.
struct SlowAndQuick {
  explicit SlowAndQuick(std::size_t missed)
      : situation(contender("linear probe", ContenderKind::probe, 0.90, 21, 900), tuned(0.80, 900)) {
    auto quick = like(situation.of("linear probe"), "plain classifier", ContenderKind::ngram, missed);
    situation.of("linear probe").latency = {.p50_ms = 180, .p95_ms = 250, .n = 100};
    quick.latency = {.p50_ms = 0.1, .p95_ms = 0.2, .n = 100};
    situation.input.contenders.insert(situation.input.contenders.end() - 1, quick);
  }
  Situation situation;
};

TEST(Choose, AMuchFasterContenderThatIsShownToBeAsGoodIsPreferred) {
  const Recommendation as_good = SlowAndQuick(5).situation.decide();
  EXPECT_EQ(as_good.use, "plain classifier");
  EXPECT_NE(as_good.headline.find("is no better, within your margin, and takes"), std::string::npos);
  EXPECT_EQ(SlowAndQuick(80).situation.decide().use, "linear probe");
  SlowAndQuick nearest(5);
  nearest.situation.of("plain classifier").kind = ContenderKind::knn;
  const Recommendation retrieve = nearest.situation.decide();
  EXPECT_EQ(retrieve.verdict, VerdictKind::retrieve);
  EXPECT_TRUE(retrieve.headline.starts_with("Retrieve (plain classifier)")) << retrieve.headline;
}

TEST(Choose, AFasterContenderTakesNoPlaceFromAnUndecidedComparison) {
  Situation situation(contender("linear probe", ContenderKind::probe, 0.90, 21), tuned(0.80));
  auto quick = plain(0.90);
  quick.latency = {.p50_ms = 0.1, .p95_ms = 0.2, .n = 100};
  situation.of("linear probe").latency = {.p50_ms = 180, .p95_ms = 250, .n = 100};
  situation.input.contenders.push_back(quick);
  const Recommendation result = situation.decide();
  EXPECT_EQ(result.use, "linear probe");
  EXPECT_TRUE(mentions(result.caveats, "is undecided"));
}

TEST(Choose, AFasterContenderKeepsTargetLimitAndRows) {
  SlowAndQuick below_target(5);
  Situation& situation = below_target.situation;
  const auto value = [&](const char* name) { return situation.of(name).test_metrics.named.at("macro_f1").value; };
  situation.task.target = (value("linear probe") + value("plain classifier")) / 2;
  EXPECT_EQ(situation.decide().use, "linear probe");
  SlowAndQuick slow(5);
  slow.situation.task.circumstances.latency_ms = 300;
  slow.situation.of("plain classifier").latency.p95_ms = 400;
  EXPECT_EQ(slow.situation.decide().use, "linear probe");
}

TEST(Choose, UntunedWinnerIsNamedByItsKind) {
  const auto verdict = [](ContenderKind kind) {
    return Situation(contender("winner", kind, 0.93, 21), tuned(0.85)).decide().verdict;
  };
  EXPECT_EQ(verdict(ContenderKind::prompted), VerdictKind::keep_prompting);
  EXPECT_EQ(verdict(ContenderKind::knn), VerdictKind::retrieve);
  EXPECT_EQ(verdict(ContenderKind::nearest), VerdictKind::retrieve);
  EXPECT_EQ(verdict(ContenderKind::probe), VerdictKind::plain_classifier);
}

TEST(Choose, NotDecidableWhenTheRowsAreTooFewForTheDifference) {
  const Recommendation result = Situation(plain(0.80, 60), tuned(0.85, 60)).decide();
  EXPECT_EQ(result.verdict, VerdictKind::not_decidable);
  EXPECT_EQ(result.use, "plain classifier");
  EXPECT_TRUE(mentions(result.reasons, "of 60 test rows differently, a difference shows from about"));
}

// Of n rows the tuned one alone is right on only_tuned, the plain classifier alone on only_plain; both are wrong on a
// tenth.
struct Discordant {
  Discordant(std::size_t n, std::size_t only_tuned, std::size_t only_plain) {
    auto a = plain(0.9, n);
    auto b = like(a, "fine-tuned", ContenderKind::tuned, 0);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < n && taken < only_tuned + only_plain; ++i) {
      if (a.test[i].answer != a.test[i].gold) continue;
      auto& missing = taken++ < only_tuned ? a.test[i] : b.test[i];
      missing.answer = missing.gold == "benign" ? "malicious" : "benign";
    }
    a.test_metrics = eval::measure(a.test, guard_task(), 1);
    b.test_metrics = eval::measure(b.test, guard_task(), 1);
    situation.emplace(a, b);
    situation->input.data_poor = true;
  }
  std::optional<Situation> situation;
};

TEST(Choose, UnderFourHundredRowsADifferenceBelowTheSmallestShownIsNotDecidable) {
  Discordant few(60, 8, 1);
  ASSERT_EQ(few.situation->input.primary->verdict, eval::Verdict::a_better);  // 11.7 points, p .039
  const Recommendation below = few.situation->decide();
  EXPECT_EQ(below.verdict, VerdictKind::not_decidable);
  EXPECT_TRUE(mentions(below.reasons, "test rows differently, a difference shows from about 14"));
  Discordant many(150, 30, 1);
  const Recommendation above = many.situation->decide();
  EXPECT_EQ(above.verdict, VerdictKind::fine_tune);
  EXPECT_TRUE(mentions(above.caveats, "under 400 rows in all"));
}

TEST(Choose, UnderFourHundredRowsEqualityIsNotDecidable) {
  Discordant same(60, 0, 0);
  same.situation->input.primary->verdict = eval::Verdict::equivalent;
  EXPECT_EQ(same.situation->decide().verdict, VerdictKind::not_decidable);
}

TEST(Choose, UnderFourHundredRowsTheSmallestDifferenceIsAlwaysNamed) {
  Situation untuned_only(plain(0.9, 60), std::nullopt);
  untuned_only.input.data_poor = true;
  EXPECT_TRUE(mentions(untuned_only.decide().caveats,
                       "60 test rows show differences of about 8.1 points or more, and that only"));
}

TEST(Choose, FewRowsInAllNeverGiveAVerdictFromAnUndecidedComparison) {
  Situation situation(plain(0.86, 70), tuned(0.86, 70));
  ASSERT_EQ(situation.input.primary->verdict, eval::Verdict::undecided);
  situation.input.data_poor = true;
  EXPECT_EQ(situation.decide().verdict, VerdictKind::not_decidable);
}

TEST(Choose, GuessingIsNoSuccessAlthoughItsMacroF1BeatsTheMajority) {
  Situation situation(plain(0.5), tuned(0.5));
  ASSERT_GT(situation.of("plain classifier").test_metrics.named.at("macro_f1").low,
            situation.of("majority class").test_metrics.named.at("macro_f1").value);
  EXPECT_EQ(situation.decide().verdict, VerdictKind::too_hard);
  situation.input.data_poor = true;
  EXPECT_EQ(situation.decide().verdict, VerdictKind::collect_data);
}

TEST(Choose, TargetMissedByAllIsTooHard) {
  Situation situation(plain(0.85), tuned(0.93));
  situation.task.target = 0.99;
  const Recommendation result = situation.decide();
  EXPECT_EQ(result.verdict, VerdictKind::too_hard);
  EXPECT_EQ(result.use, "fine-tuned");
  EXPECT_NE(result.headline.find("99.0"), std::string::npos);
}

TEST(Choose, ATargetIsJudgedOnTheContendersChosenByValidation) {
  // A third contender that validation put last reaches the target on test: picking it now would be picking by test.
  Situation situation(plain(0.85), tuned(0.86));
  situation.input.contenders.push_back(contender("lucky", ContenderKind::prompted, 0.96, 41));
  situation.task.target = 0.95;
  EXPECT_EQ(situation.decide().verdict, VerdictKind::too_hard);
}

TEST(Choose, TheBestIsTheFirstByValidationNotByTest) {
  Situation situation(plain(0.85), tuned(0.90));
  std::swap(situation.input.contenders[0], situation.input.contenders[1]);  // validation has the plain one first
  situation.task.target = 0.99;
  EXPECT_EQ(situation.decide().use, "plain classifier");
}

TEST(Choose, ReachingTheTargetAloneDecidesOnlyWhereItIsSure) {
  Situation situation(plain(0.90, 900), tuned(0.93, 900));
  situation.input.primary->verdict = eval::Verdict::equivalent;
  situation.task.target = situation.of("fine-tuned").test_metrics.named.at("macro_f1").low - 0.001;
  ASSERT_GT(*situation.task.target, situation.of("plain classifier").test_metrics.named.at("macro_f1").value);
  EXPECT_EQ(situation.decide().verdict, VerdictKind::fine_tune);
  situation.task.target = situation.of("fine-tuned").test_metrics.named.at("macro_f1").value - 0.001;
  const Recommendation unsure = situation.decide();
  EXPECT_EQ(unsure.verdict, VerdictKind::not_decidable);
  EXPECT_EQ(unsure.use, "fine-tuned");  // and so the target is not missed
}

TEST(Choose, TargetReachedByTheCheapOneEndsTheQuestion) {
  Situation situation(plain(0.90), tuned(0.97));
  ASSERT_EQ(situation.input.primary->verdict, eval::Verdict::a_better);
  situation.task.target = 0.80;
  EXPECT_EQ(situation.decide().verdict, VerdictKind::plain_classifier);
  situation.task.target = 0.90;  // inside the cheap one's interval: not surely reached
  EXPECT_EQ(situation.decide().verdict, VerdictKind::fine_tune);
}

TEST(Choose, ATunedModelTooSlowForTheTaskIsNotRecommended) {
  Situation situation(plain(0.85), tuned(0.95));
  situation.task.circumstances.latency_ms = 20;
  situation.of("plain classifier").latency = {0.2, 0.4, 100};
  situation.of("fine-tuned").latency = {45, 80, 100};
  const Recommendation result = situation.decide();
  EXPECT_EQ(result.verdict, VerdictKind::plain_classifier);
  EXPECT_NE(result.headline.find("too slow"), std::string::npos);
}

TEST(LeadersOf, PutThoseThatKeepTheLatencyLimitFirst) {
  data::Task task = guard_task();
  auto slow = contender("few-shot", ContenderKind::prompted, 0.9, 51);
  auto quick = plain(0.8);
  slow.latency = {180, 300, 100};
  quick.latency = {0.1, 0.2, 100};
  auto only = tuned(0.9);
  only.latency = {45, 80, 100};
  const std::vector<eval::ContenderResult> contenders = {slow, only, quick};
  EXPECT_EQ(leaders_of(contenders, task).untuned, "few-shot");
  task.circumstances.latency_ms = 50;
  EXPECT_EQ(leaders_of(contenders, task).untuned, "plain classifier");
  EXPECT_EQ(leaders_of(contenders, task).tuned, "fine-tuned");  // too slow, and there is no other
  EXPECT_EQ(leaders_of({}, task).tuned, "");
}

TEST(Choose, TheOneThatKeepsTheLatencyLimitIsUsed) {
  Situation situation(plain(0.95), tuned(0.85));
  situation.task.circumstances.latency_ms = 20;
  situation.of("plain classifier").latency = {30, 60, 100};
  situation.of("fine-tuned").latency = {5, 8, 100};
  const Recommendation result = situation.decide();
  EXPECT_EQ(result.use, "fine-tuned");
  EXPECT_NE(result.headline.find("keeps your latency limit"), std::string::npos);
  situation.of("fine-tuned").latency = {45, 80, 100};
  EXPECT_TRUE(mentions(situation.decide().caveats, "slower than your limit"));
}

TEST(Choose, ADemotedComparisonDecidesNothing) {
  // Ahead of the majority class, but not by the adjusted comparison.
  Situation situation(plain(0.85), tuned(0.95));
  for (const char* name : {"plain classifier", "fine-tuned"}) {
    eval::NamedComparison named{.a = name, .b = "majority class", .comparison = {}, .adjusted_p = 0.2};
    named.comparison.verdict = eval::Verdict::undecided;
    named.comparison.note = "One of 9 comparisons.";
    situation.input.comparisons.push_back(named);
  }
  const Recommendation result = choose(situation.input);
  EXPECT_EQ(result.verdict, VerdictKind::too_hard);
  EXPECT_TRUE(mentions(result.reasons, "One of 9 comparisons."));
}

TEST(Choose, WithoutATunedModelNothingIsDecided) {
  const Recommendation result = Situation(plain(0.9), std::nullopt).decide();
  EXPECT_EQ(result.verdict, VerdictKind::not_decidable);
  EXPECT_EQ(result.use, "plain classifier");
}

TEST(Choose, WithoutAnythingMeasuredThePromptComesFirst) {
  data::Task task = guard_task();
  DecisionInput input;
  input.task = &task;
  input.prices = built_in_prices();
  EXPECT_EQ(choose(input).verdict, VerdictKind::prompt_for_now);
}

TEST(Choose, NeverClaimsToBeatALargeModel) {
  for (const double right : {0.95, 0.80, 0.5}) {
    const Recommendation result =
        Situation(contender("zero-shot", ContenderKind::prompted, 0.85, 31), tuned(right)).decide();
    EXPECT_TRUE(mentions(result.caveats, "No large model was among the contenders"));
    EXPECT_TRUE(mentions(result.caveats, "gpt-6-luna would cost $78.5 for a million requests"));
    EXPECT_EQ(result.headline.find("large"), std::string::npos);
  }
}

TEST(Choose, ALargeModelIsPricedAsTheNamedCommandAsksIt) {
  auto few_shot = contender("few-shot", ContenderKind::prompted, 0.9, 31);
  auto zero_shot = contender("zero-shot", ContenderKind::prompted, 0.8, 32);
  few_shot.mean_prompt_tokens = 2000;
  zero_shot.mean_prompt_tokens = 400;
  Situation situation(few_shot, std::nullopt);
  situation.input.contenders.push_back(zero_shot);
  auto probe = contender("linear probe", ContenderKind::probe, 0.7, 33);
  probe.mean_prompt_tokens = 100;
  situation.input.contenders.push_back(probe);
  const Recommendation result = situation.decide();
  EXPECT_TRUE(mentions(result.caveats, "without examples (400 prompt and 25 answer tokens a request)"));
  EXPECT_TRUE(mentions(result.break_even.notes, "400 prompt and 25 answer tokens a request, as measured"));
}

TEST(Choose, AVerdictIsNotSaidTwice) {
  Situation poor(plain(0.5, 60), tuned(0.5, 60));
  poor.input.data_poor = true;
  const Recommendation result = poor.decide();
  ASSERT_EQ(result.verdict, VerdictKind::collect_data);
  EXPECT_EQ(result.headline.find("Collect data first: "), 0U) << "so that it can be left out after the verdict";
}

TEST(Choose, SaysWhatTryingALargeModelTakesAndCosts) {
  Situation situation(plain(0.9), tuned(0.85));
  situation.input.folder = "my tasks/guard";
  const Recommendation result = situation.decide();
  EXPECT_TRUE(mentions(result.caveats, "`hone prompt 'my tasks/guard' --model gpt-6-luna`"));
  // 500 rows of 660 and 25 tokens at 0.10 and 0.50 dollars a million.
  EXPECT_TRUE(mentions(result.caveats, "500 validation and test rows that costs about $0.039"));
  EXPECT_TRUE(mentions(result.caveats, "price of 2026-09-22, checked 2026-11-23"));
  EXPECT_TRUE(mentions(result.caveats, "HONE_API_KEY")) << "what the command needs is said beside it";
  EXPECT_FALSE(mentions(result.caveats, "private"));
  situation.task.circumstances.is_private = true;
  EXPECT_TRUE(mentions(situation.decide().caveats, "these rows would leave this machine"));
}

// A prompted large model that is right on `right`, priced as gpt-6-luna.
eval::ContenderResult large(double right, std::size_t n = 300) {
  auto result = contender("gpt-6-luna, zero-shot", ContenderKind::api, right, 61, n);
  result.price_id = "gpt-6-luna";
  result.mean_prompt_tokens = 660;
  result.mean_completion_tokens = 25;
  result.latency = {800, 1500, 100};
  return result;
}

TEST(Choose, ALargeModelThatWasTriedIsAContenderLikeAnyOther) {
  const Recommendation prompting = Situation(large(0.95), tuned(0.80)).decide();
  EXPECT_EQ(prompting.verdict, VerdictKind::keep_prompting);
  EXPECT_TRUE(prompting.headline.starts_with("Keep prompting (gpt-6-luna, zero-shot)"));
  EXPECT_FALSE(mentions(prompting.caveats, "No large model"));
  EXPECT_TRUE(mentions(prompting.reasons, "a million requests cost about $78.5 (gpt-6-luna, price of 2026-09-22"));
  const Recommendation tuning = Situation(large(0.80), tuned(0.95)).decide();
  EXPECT_EQ(tuning.verdict, VerdictKind::fine_tune);
  EXPECT_NE(tuning.headline.find("better than gpt-6-luna"), std::string::npos);
}

TEST(Choose, AnUnpricedLargeModelIsSaidToBeOne) {
  auto unlisted = large(0.9);
  unlisted.price_id = "";
  EXPECT_TRUE(mentions(Situation(unlisted, tuned(0.8)).decide().caveats, "No price is known for gpt-6-luna"));
}

TEST(Choose, AsGoodAsALargeModelTheVolumeDecides) {
  auto api = large(0.9, 900);
  auto own = like(api, "fine-tuned", ContenderKind::tuned, 4);
  own.latency = {45, 80, 100};
  Situation situation(api, own);
  ASSERT_EQ(situation.input.primary->verdict, eval::Verdict::equivalent);
  EXPECT_EQ(situation.decide().verdict, VerdictKind::keep_prompting);
  situation.task.circumstances.requests_per_month = 100'000;
  EXPECT_EQ(situation.decide().verdict, VerdictKind::keep_prompting);
  situation.task.circumstances.requests_per_month = 10'000'000;
  const Recommendation result = situation.decide();
  EXPECT_EQ(result.verdict, VerdictKind::fine_tune);
  EXPECT_NE(result.headline.find("$785"), std::string::npos) << result.headline;
}

TEST(Choose, TextTasksHaveCopyingAsTheirFloor) {
  data::Task task;
  task.kind = data::Kind::text;
  task.metric = "chrf";
  const auto answers = [&](const std::string& name, ContenderKind kind, const std::string& answer) {
    eval::ContenderResult result;
    result.name = name;
    result.kind = kind;
    for (int i = 0; i < 200; ++i) {
      eval::ScoredRow row;
      row.id = std::to_string(i);
      row.gold = fmt::format("the quick brown fox number {}", i);
      row.answer = answer + std::to_string(i % 50);
      result.test.push_back(row);
    }
    result.test_metrics = eval::measure(result.test, task, 1);
    return result;
  };
  DecisionInput input;
  input.task = &task;
  input.prices = built_in_prices();
  input.contenders = {answers("copy", ContenderKind::copy, "nothing alike "),
                      answers("zero-shot", ContenderKind::prompted, "qq "),
                      answers("fine-tuned", ContenderKind::tuned, "the quick brown fox number ")};
  input.best_tuned = "fine-tuned";
  input.best_untuned = "copy";
  input.primary = value_or_throw(eval::compare(input.contenders[2].test, input.contenders[0].test, task, 1));
  EXPECT_EQ(choose(input).verdict, VerdictKind::fine_tune);
}

}  // namespace
}  // namespace hone::decide
