#include "decide/cost.h"

#include <gtest/gtest.h>

#include "decide/decide.h"
#include "decide/decide_testing.h"
#include "decide/wording.h"

namespace hone::decide {
namespace {

TEST(Prices, BuiltInListHasTheReferenceModel) {
  const PriceList prices = built_in_prices();
  const Price* luna = find_price(prices, "gpt-6-luna");
  ASSERT_NE(luna, nullptr);
  EXPECT_EQ(luna->effective_from, "2026-09-22");
  EXPECT_EQ(find_price(prices, "no-such-model"), nullptr);
  EXPECT_EQ(find_price(prices, "jev")->cached, find_price(prices, "jev")->input);
}

TEST(Prices, TheBuiltInListIsTheFile) {
  const Path file = Path(HONE_SOURCE_DIR) / "src/decide/prices.json";
  const PriceList from_file = value_or_throw(load_prices(file));
  ASSERT_EQ(from_file.api.size(), built_in_prices().api.size());
  EXPECT_EQ(from_file.api.back().id, built_in_prices().api.back().id);
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
  EXPECT_NE(error(R"({"checked": "2026-11-23", "utilisation": 1.5, "api": []})").find("\"utilisation\""),
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

TEST(Cost, OfAnApiFollowsItsTokensAndPrice) {
  const PriceList prices = built_in_prices();
  eval::ContenderResult contender;
  contender.kind = ContenderKind::api;
  contender.mean_prompt_tokens = 660;
  contender.mean_completion_tokens = 25;
  contender.latency = {800, 900, 100};
  EXPECT_EQ(usd_per_million(contender, prices), 0);  // unknown, and never that of this machine
  contender.price_id = "gpt-6-luna";
  EXPECT_NEAR(usd_per_million(contender, prices), 78.5, 1e-9);
  contender.kind = ContenderKind::prompted;
  EXPECT_NEAR(usd_per_million(contender, prices), local_usd_per_million(800, 40, 0.3), 1e-9);
}

TEST(Cost, BreakEvenCountsTheMachinesItTakes) {
  BreakEvenInput input{.host_usd_per_month = 40, .upkeep_usd_per_month = 160, .prompted_usd = 1e-4};
  EXPECT_NEAR(*break_even_requests(input), 2e6, 1e-6);
  input.requests_per_machine = 1e6;  // for 100 dollars a month there: 60 more than the rent; three to make up for 160
  EXPECT_NEAR(*break_even_requests(input), (3 * 40 + 160) / 1e-4, 1e-6);
  input.requests_per_machine = 3e5;  // for 30 dollars: less than the rent
  EXPECT_FALSE(break_even_requests(input));
  // At every volume above it owning is cheaper on the machines it takes, at most one step below.
  input.requests_per_machine = 1e6;
  const auto own = [&](double n) { return 40 * std::ceil(n / 1e6) + 160; };
  const double even = *break_even_requests(input);
  EXPECT_LE(own(even), even * 1e-4 + 1e-9);
  for (double n = 1e5; n < even - 1; n += 1e5) EXPECT_GT(own(n), n * 1e-4) << n;
}

TEST(BreakEven, NamesUtilisationAndMachines) {
  Situation situation(contender("zero-shot", ContenderKind::prompted, 0.85, 31), tuned(0.95));
  situation.of("fine-tuned").latency = {.p50_ms = 45, .p95_ms = 80, .n = 100};
  situation.task.circumstances.requests_per_month = 40'000'000;
  const BreakEven result = situation.decide().break_even;
  EXPECT_TRUE(mentions(result.notes, "busy 30 % of the time"));
  EXPECT_TRUE(mentions(result.notes, "answers about 17,500,000 requests a month with fine-tuned"));
  EXPECT_TRUE(mentions(result.notes, "3 machines of your own $303"));
  EXPECT_TRUE(mentions(result.notes, "the API would bill $3,140"));
  situation.input.prices.utilisation = 0.6;
  EXPECT_TRUE(mentions(situation.decide().break_even.notes, "2 machines of your own"));
}

TEST(BreakEven, AModelTooSlowForItsRentNeverPays) {
  Situation situation(contender("zero-shot", ContenderKind::prompted, 0.85, 31), tuned(0.95));
  situation.of("fine-tuned").latency = {.p50_ms = 4000, .p95_ms = 5000, .n = 100};
  const BreakEven result = situation.decide().break_even;
  EXPECT_FALSE(result.requests_per_month);
  EXPECT_TRUE(mentions(result.notes, "never pays"));
}

TEST(BreakEven, WarnsOfAnOldPrice) {
  Situation situation(plain(0.9), tuned(0.9));
  situation.input.today = "2027-01-22";  // 60 days after the check
  EXPECT_FALSE(mentions(situation.decide().break_even.notes, "days ago"));
  situation.input.today = "2027-01-23";
  EXPECT_TRUE(mentions(situation.decide().break_even.notes, "61 days ago"));
}

TEST(BreakEven, SaysThatPromptingIsCheaperAtASmallVolume) {
  Situation situation(contender("zero-shot", ContenderKind::prompted, 0.85, 31), tuned(0.95));
  situation.task.circumstances.requests_per_month = 100'000;
  const Recommendation result = situation.decide();
  EXPECT_NEAR(*result.break_even.requests_per_month / 1e6, 2.845, 0.001);
  EXPECT_TRUE(mentions(result.break_even.notes, "the API is cheaper"));
  EXPECT_TRUE(mentions(result.break_even.notes, "510,000 counting the rent alone"));
  situation.task.circumstances.requests_per_month = 1e7;
  EXPECT_TRUE(mentions(situation.decide().break_even.notes, "your own machine is cheaper"));
}

TEST(Prices, ATaskMayOnlyNameAListedOne) {
  data::Task task = guard_task();
  task.file = "tasks/mine/hone.toml";
  EXPECT_TRUE(check_compare_price(task, built_in_prices()));
  task.circumstances.compare_price = "gpt-6-lunna";
  const auto refused = check_compare_price(task, built_in_prices());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::bad_input);
  for (const char* part :
       {"tasks/mine/hone.toml", "compare_price", "gpt-6-lunna", "did you mean \"gpt-6-luna\"?", "--prices"})
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
}

TEST(BreakEven, NamesAnUnknownPrice) {
  Situation situation(plain(0.9), tuned(0.9));
  situation.task.circumstances.compare_price = "gpt-2";
  const BreakEven result = break_even_of(situation.input, nullptr);
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
  EXPECT_EQ(about(1234567.2), "1,230,000");
  EXPECT_EQ(about(999.6), "1,000");
  EXPECT_EQ(about(999999), "1,000,000");
  EXPECT_EQ(about(42), "42");
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
