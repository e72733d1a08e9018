#include "eval/compare.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/rng.h"
#include "eval/contender.h"

namespace hone::eval {
namespace {

Json golden() {
  return value_or_throw(
      parse_json(value_or_throw(read_file(Path(HONE_SOURCE_DIR) / "tests/golden/eval.json")), "eval.json"));
}

data::Task two_labels(const std::string& metric = "macro_f1") {
  data::Task task;
  task.labels = {"0", "1"};
  task.metric = metric;
  return task;
}

ScoredRow row(std::size_t id, std::size_t group, const std::string& gold, const std::string& answer) {
  ScoredRow result;
  result.id = std::to_string(id);
  result.group = std::to_string(group);
  result.gold = gold;
  result.answer = answer;
  return result;
}

// n rows of gold "1"; the first `only_a` are right in a alone, the next `only_b` in b alone, the rest in both.
std::pair<std::vector<ScoredRow>, std::vector<ScoredRow>> discordant(std::size_t n, std::size_t only_a,
                                                                     std::size_t only_b) {
  std::pair<std::vector<ScoredRow>, std::vector<ScoredRow>> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const bool a = i < only_a || i >= only_a + only_b;
    const bool b = i >= only_a;
    rows.first.push_back(row(i, i, "1", a ? "1" : "0"));
    rows.second.push_back(row(i, i, "1", b ? "1" : "0"));
  }
  return rows;
}

TEST(Wilson, EqualsScipy) {
  const Json samples = golden()["wilson"];
  for (const Json& sample : samples) {
    const Interval interval = wilson(sample[0].get<std::size_t>(), sample[1].get<std::size_t>());
    EXPECT_NEAR(interval.low, sample[2].get<double>(), 1e-9);
    EXPECT_NEAR(interval.high, sample[3].get<double>(), 1e-9);
  }
  EXPECT_NEAR(wilson(5, 10, 0.5).low, 0.3956999154246877, 1e-12);
}

TEST(McNemar, EqualsTheExactBinomialTest) {
  const Json samples = golden()["mcnemar"];
  for (const Json& sample : samples) {
    const double p = mcnemar_p(sample[0].get<std::size_t>(), sample[1].get<std::size_t>());
    const double expected = sample[2].get<double>();
    EXPECT_NEAR(p, expected, 1e-9 * std::max(expected, 1e-12)) << to_text(sample);
  }
  EXPECT_GT(mcnemar_p(5'000'000, 5'001'000), 0.7);
}

TEST(Holm, StepsDownAndKeepsTheOrderGiven) {
  const std::vector<double> p = {0.04, 0.01, 0.03, 0.5};
  const std::vector<double> expected = {0.09, 0.04, 0.09, 0.5};
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-12);
  EXPECT_TRUE(holm({}).empty());
}

TEST(SmallestDetectable, EqualsTheReferenceTable) {
  EXPECT_NEAR(smallest_detectable(0.10, 100), 0.089, 5e-4);
  EXPECT_NEAR(smallest_detectable(0.10, 1000), 0.028, 5e-4);
  EXPECT_NEAR(smallest_detectable(0.20, 300), 0.072, 5e-4);
  EXPECT_EQ(smallest_detectable(0.2, 0), 1);
}

TEST(Compare, AgreesWithABootstrapByGroupInNumpy) {
  const Json sample = golden()["bootstrap"];
  std::vector<ScoredRow> a;
  std::vector<ScoredRow> b;
  for (std::size_t i = 0; i < sample["gold"].size(); ++i) {
    const auto text = [&](const char* key) { return std::to_string(sample[key][i].get<int>()); };
    a.push_back(row(i, sample["group"][i].get<std::size_t>(), text("gold"), text("a")));
    b.push_back(row(i, sample["group"][i].get<std::size_t>(), text("gold"), text("b")));
  }
  const Comparison comparison = value_or_throw(compare(a, b, two_labels(), 1));
  EXPECT_NEAR(comparison.difference.value, sample["difference"].get<double>(), 1e-12);
  EXPECT_NEAR(comparison.difference.low, sample["low"].get<double>(), 0.006);
  EXPECT_NEAR(comparison.difference.high, sample["high"].get<double>(), 0.006);
}

TEST(Compare, IsTheSameForTheSameSeedAndMirroredWhenSwapped) {
  const auto [a, b] = discordant(200, 25, 10);
  const Comparison first = value_or_throw(compare(a, b, two_labels("accuracy"), 5));
  const Comparison again = value_or_throw(compare(a, b, two_labels("accuracy"), 5));
  const Comparison swapped = value_or_throw(compare(b, a, two_labels("accuracy"), 5));
  EXPECT_EQ(to_json(first), to_json(again));
  EXPECT_NEAR(first.difference.low, -swapped.difference.high, 1e-12);
  EXPECT_EQ(first.flipped.size(), 35u);
  EXPECT_NEAR(first.mcnemar, mcnemar_p(25, 10), 1e-15);
}

TEST(Compare, VerdictFollowsTheInterval) {
  const auto verdict = [](std::size_t n, std::size_t only_a, std::size_t only_b) {
    const auto [a, b] = discordant(n, only_a, only_b);
    return value_or_throw(compare(a, b, two_labels("accuracy"), 1)).verdict;
  };
  EXPECT_EQ(verdict(400, 40, 10), Verdict::a_better);
  EXPECT_EQ(verdict(400, 10, 40), Verdict::b_better);
  EXPECT_EQ(verdict(2000, 10, 12), Verdict::equivalent);
  EXPECT_EQ(verdict(100, 12, 9), Verdict::undecided);
  EXPECT_EQ(verdict(50, 0, 0), Verdict::equivalent);
}

TEST(Compare, FewDifferentAnswersNeverDecide) {
  const auto [a, b] = discordant(50, 5, 0);
  const Comparison comparison = value_or_throw(compare(a, b, two_labels("accuracy"), 1));
  EXPECT_GT(comparison.difference.low, 0);  // the bootstrap alone would call it
  EXPECT_EQ(comparison.verdict, Verdict::undecided);
}

TEST(Compare, RarelyFindsADifferenceBetweenEquals) {
  int better = 0;
  for (std::uint64_t trial = 0; trial < 40; ++trial) {
    Rng rng(trial, 9);
    std::vector<ScoredRow> a;
    std::vector<ScoredRow> b;
    for (std::size_t i = 0; i < 300; ++i) {
      a.push_back(row(i, i, "1", rng.uniform() < 0.8 ? "1" : "0"));
      b.push_back(row(i, i, "1", rng.uniform() < 0.8 ? "1" : "0"));
    }
    const Verdict verdict = value_or_throw(compare(a, b, two_labels("accuracy"), 1)).verdict;
    better += verdict == Verdict::a_better || verdict == Verdict::b_better ? 1 : 0;
  }
  EXPECT_LE(better, 6);  // 5 % of 40 is 2; more than 6 has probability .003
}

TEST(Compare, RefusesUnmatchedRowsByName) {
  const auto [a, b] = discordant(3, 1, 1);
  std::vector<ScoredRow> shorter(b.begin(), b.end() - 1);
  const Result<Comparison> missing = compare(a, shorter, two_labels(), 1);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("\"2\""), std::string::npos);
  EXPECT_FALSE(compare(shorter, a, two_labels(), 1));
  std::vector<ScoredRow> twice = a;
  twice.push_back(a[0]);
  EXPECT_FALSE(compare(twice, a, two_labels(), 1));
  EXPECT_FALSE(compare({}, {}, two_labels(), 1));
}

TEST(Compare, TakesUnderASecondForThreeThousandRows) {
  std::vector<ScoredRow> a;
  std::vector<ScoredRow> b;
  data::Task task;
  task.metric = "macro_f1";
  for (int label = 0; label < 77; ++label) task.labels.push_back("label " + std::to_string(label));
  Rng rng(1);
  const auto noisy = [&](const std::string& gold) { return rng.uniform() < 0.85 ? gold : task.labels[rng.below(77)]; };
  for (std::size_t i = 0; i < 3000; ++i) {
    const std::string gold = task.labels[rng.below(77)];
    a.push_back(row(i, i, gold, noisy(gold)));
    b.push_back(row(i, i, gold, noisy(gold)));
  }
  const Stopwatch watch;
  ASSERT_TRUE(compare(a, b, task, 1));
  RecordProperty("seconds", std::to_string(watch.seconds()));
  EXPECT_LT(watch.seconds(), 8);  // generous: sanitised builds and busy machines run this too
}

TEST(Latency, InterpolatesPercentilesAsNumpy) {
  const Json sample = golden()["percentiles"];
  const Latency latency = latency_of(sample["values"].get<std::vector<double>>());
  EXPECT_NEAR(latency.p50_ms, sample["p50"].get<double>(), 1e-12);
  EXPECT_NEAR(latency.p95_ms, sample["p95"].get<double>(), 1e-12);
  EXPECT_EQ(latency_of({}).n, 0u);
}

}  // namespace
}  // namespace hone::eval
