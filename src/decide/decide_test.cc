#include "decide/decide.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/rng.h"
#include "decide/cost.h"
#include "decide/wording.h"

namespace hone::decide {
namespace {

using eval::ContenderKind;

data::Task guard_task() {
  data::Task task;
  task.labels = {"benign", "malicious"};
  task.positive = "malicious";
  task.metric = "macro_f1";
  return task;
}

// A contender that is right on the share `right` of `n` rows; which ones is drawn from `seed`, so two contenders
// differ.
eval::ContenderResult contender(const std::string& name, ContenderKind kind, double right, std::uint64_t seed,
                                std::size_t n = 300) {
  const data::Task task = guard_task();
  eval::ContenderResult result;
  result.name = name;
  result.kind = kind;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(seed);
  rng.shuffle(order);
  const auto rights = static_cast<std::size_t>(std::lround(right * static_cast<double>(n)));
  for (std::size_t i = 0; i < n; ++i) {
    eval::ScoredRow row;
    row.id = std::to_string(i);
    row.gold = task.labels[i % 2];
    const bool is_right = order[i] < rights;
    row.answer = is_right ? row.gold : task.labels[1 - i % 2];
    if (kind == ContenderKind::majority) row.answer = "benign";
    result.test.push_back(row);
  }
  result.test_metrics = eval::measure(result.test, task, 1);
  if (kind == ContenderKind::prompted || kind == ContenderKind::tuned) {
    result.mean_prompt_tokens = 660;
    result.mean_completion_tokens = 25;
  }
  return result;
}

struct Situation {
  data::Task task = guard_task();
  DecisionInput input;

  Situation(eval::ContenderResult untuned, std::optional<eval::ContenderResult> tuned) {
    input.task = &task;
    input.prices = built_in_prices();
    input.today = "2026-11-24";
    input.test_rows = untuned.test.size();
    input.best_untuned = untuned.name;
    input.contenders = {contender("majority class", ContenderKind::majority, 0.5, 1, untuned.test.size()), untuned};
    if (tuned) {
      input.best_tuned = tuned->name;
      input.primary = value_or_throw(eval::compare(tuned->test, untuned.test, task, 1));
      input.contenders.push_back(*tuned);
    }
  }
  Situation(const Situation&) = delete;
  Recommendation decide() const { return choose(input); }
};

bool mentions(const std::vector<std::string>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(text) != line.npos; });
}

eval::ContenderResult plain(double right, std::size_t n = 300) {
  return contender("plain classifier", ContenderKind::ngram, right, 11, n);
}
eval::ContenderResult tuned(double right, std::size_t n = 300) {
  return contender("fine-tuned", ContenderKind::tuned, right, 12, n);
}

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

TEST(Choose, AMuchFasterContenderThatIsAsGoodIsPreferred) {
  for (const double right : {0.90, 0.70}) {
    auto probe = contender("linear probe", ContenderKind::probe, 0.90, 21);
    auto quick = plain(right);
    probe.latency = {.p50_ms = 180, .p95_ms = 250, .n = 100};
    quick.latency = {.p50_ms = 0.1, .p95_ms = 0.2, .n = 100};
    Situation situation(probe, tuned(0.80));
    situation.input.contenders.push_back(quick);
    const Recommendation result = situation.decide();
    EXPECT_EQ(result.use, right == 0.90 ? "plain classifier" : "linear probe");
    EXPECT_EQ(result.headline.find("not shown to be better") != std::string::npos, right == 0.90);
  }
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
  EXPECT_TRUE(mentions(result.reasons, "60 test rows show differences of about"));
}

TEST(Choose, FewRowsInAllNeverGiveAVerdictFromAnUndecidedComparison) {
  Situation situation(plain(0.86, 70), tuned(0.86, 70));
  ASSERT_EQ(situation.input.primary->verdict, eval::Verdict::undecided);
  situation.input.data_poor = true;
  EXPECT_EQ(situation.decide().verdict, VerdictKind::not_decidable);
}

TEST(Choose, GuessingIsNoSuccessAlthoughItsMacroF1BeatsTheMajority) {
  Situation situation(plain(0.5), tuned(0.5));
  ASSERT_GT(situation.input.contenders[1].test_metrics.named.at("macro_f1").low,
            situation.input.contenders[0].test_metrics.named.at("macro_f1").value);
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
  situation.input.contenders[1].latency = {0.2, 0.4, 100};
  situation.input.contenders[2].latency = {45, 80, 100};
  const Recommendation result = situation.decide();
  EXPECT_EQ(result.verdict, VerdictKind::plain_classifier);
  EXPECT_NE(result.headline.find("too slow"), std::string::npos);
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

TEST(Prices, BuiltInListHasTheReferenceModel) {
  const PriceList prices = built_in_prices();
  const Price* luna = find_price(prices, "gpt-6-luna");
  ASSERT_NE(luna, nullptr);
  EXPECT_EQ(luna->effective_from, "2026-09-22");
  EXPECT_EQ(find_price(prices, "no-such-model"), nullptr);
  EXPECT_EQ(find_price(prices, "jev")->cached, find_price(prices, "jev")->input);
}

TEST(Prices, NameWhatIsWrong) {
  const auto error = [](const std::string& text) {
    const auto parsed = parse_prices(text, "mine.json");
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_EQ(error(R"({"checked": "2026-11-23", "api": []})"), "");
  EXPECT_NE(error("{").find("mine.json"), std::string::npos);
  EXPECT_NE(error(R"({"checked": "yesterday", "api": []})").find("YYYY-MM-DD"), std::string::npos);
  EXPECT_NE(error(R"({"checked": "2026-13-01", "api": []})").find("2026-13-01"), std::string::npos);
  EXPECT_NE(error(R"({"checked": "2026-11-23", "apis": []})").find("apis"), std::string::npos);
  EXPECT_NE(
      error(R"({"checked": "2026-11-23", "api": [{"id": "x", "input": -1, "output": 0, "effective_from": "2026-01-01",
                      "checked": "2026-01-01"}]})")
          .find("\"input\""),
      std::string::npos);
  EXPECT_FALSE(load_prices("/no/such/file.json"));
}

TEST(Prices, WarnWhenOldOrShutDown) {
  Price price;
  price.id = "old";
  price.checked = "2026-09-01";
  EXPECT_TRUE(price_warnings(price, "2026-10-31").empty());  // 60 days
  EXPECT_TRUE(mentions(price_warnings(price, "2026-11-01"), "61 days"));
  price.shutdown = "2027-01-14";
  EXPECT_TRUE(mentions(price_warnings(price, "2026-10-01"), "2027-01-14"));
}

TEST(Cost, ReproducesTheReferenceExamples) {
  const PriceList prices = built_in_prices();
  const auto price = [&](const char* id) { return *find_price(prices, id); };
  const double luna = api_usd_per_million(price("gpt-6-luna"), 660, 25);
  EXPECT_NEAR(luna, 78.5, 1e-9);
  EXPECT_NEAR(api_usd_per_million(price("gpt-6-luna"), 660, 175), 153, 1);
  EXPECT_NEAR(api_usd_per_million(price("claude-sonnet-5.5"), 660, 25), 1570, 1);
  EXPECT_NEAR(api_usd_per_million(price("openai-decisions"), 260, 1), 26, 1e-9);
  EXPECT_NEAR(api_usd_per_million(price("jev"), 260, 1), 11, 0.1);
  BreakEvenInput input{.host_usd_per_month = 40, .prompted_usd = luna / 1e6};
  EXPECT_NEAR(*break_even_requests(input) / 1e6, 0.51, 0.005);
  input.upkeep_usd_per_month = 100;
  input.one_off_usd = 1000;
  EXPECT_NEAR(*break_even_requests(input) / 1e6, 2.8, 0.05);
  input.prompted_usd = 1570e-6;
  EXPECT_NEAR(*break_even_requests(input) / 1e3, 142, 0.5);
  input.prompted_usd = 26e-6;
  EXPECT_NEAR(*break_even_requests(input) / 1e6, 8.6, 0.05);
  input.served_usd = 30e-6;
  EXPECT_FALSE(break_even_requests(input));
}

TEST(Cost, OfAMachineOfOnesOwnFollowsItsLatency) {
  // 50 ms a request, half busy: 26,298,000 requests a month for $40.
  EXPECT_NEAR(local_usd_per_million(50, 40, 0.5), 40 / 26.298, 1e-6);
  EXPECT_EQ(local_usd_per_million(0, 40, 0.5), 0);
}

TEST(BreakEven, SaysThatPromptingIsCheaperAtASmallVolume) {
  Situation situation(contender("zero-shot", ContenderKind::prompted, 0.85, 31), tuned(0.95));
  situation.task.circumstances.requests_per_month = 100'000;
  const Recommendation result = situation.decide();
  EXPECT_NEAR(*result.break_even.requests_per_month / 1e6, 2.845, 0.001);
  EXPECT_TRUE(mentions(result.break_even.notes, "the API is cheaper"));
  EXPECT_TRUE(mentions(result.break_even.notes, "509,554"));
  situation.task.circumstances.requests_per_month = 1e7;
  EXPECT_TRUE(mentions(situation.decide().break_even.notes, "your own machine is cheaper"));
}

TEST(BreakEven, NamesAnUnknownPrice) {
  Situation situation(plain(0.9), tuned(0.9));
  situation.task.circumstances.compare_price = "gpt-2";
  const BreakEven result = break_even_of(situation.input);
  EXPECT_FALSE(result.requests_per_month);
  EXPECT_TRUE(mentions(result.notes, "\"gpt-2\""));
}

TEST(Wording, ShowsMoneyAndTimeInUsefulDigits) {
  EXPECT_EQ(usd(0.0312), "$0.031");
  EXPECT_EQ(usd(0.674), "$0.67");
  EXPECT_EQ(usd(78.5), "$78.5");
  EXPECT_EQ(usd(1570), "$1,570");
  EXPECT_EQ(usd(40), "$40");
  EXPECT_EQ(milliseconds_text(0.002), "<0.01 ms");
  EXPECT_EQ(usd(0), "$0.00");
  EXPECT_EQ(grouped(1234567.2), "1,234,567");
  EXPECT_EQ(milliseconds_text(0.214), "0.21 ms");
  EXPECT_EQ(milliseconds_text(1234), "1.2 s");
  EXPECT_EQ(points(-0.0001), "0.0");
}

TEST(RecommendationJson, HasTheDocumentedKeys) {
  const Json json = to_json(Situation(plain(0.85), tuned(0.95)).decide());
  EXPECT_EQ(json["verdict"], "fine-tune");
  EXPECT_TRUE(json["reasons"].is_array());
  EXPECT_TRUE(json["break_even"]["requests_per_month"].is_number());
}

}  // namespace
}  // namespace hone::decide
