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

// n rows, each a group; the first `only_a` are right in a alone, the next `only_b` in b alone, the rest in both.
std::pair<std::vector<ScoredRow>, std::vector<ScoredRow>> discordant(std::size_t n, std::size_t only_a,
                                                                     std::size_t only_b) {
  std::pair<std::vector<ScoredRow>, std::vector<ScoredRow>> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const bool a = i < only_a || i >= only_a + only_b;
    const bool b = i >= only_a;
    const std::string gold = i % 2 == 0 ? "1" : "0";
    const std::string wrong = i % 2 == 0 ? "0" : "1";
    rows.first.push_back(row(i, i, gold, a ? gold : wrong));
    rows.second.push_back(row(i, i, gold, b ? gold : wrong));
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

Comparison compared(std::size_t n, std::size_t only_a, std::size_t only_b, const std::string& metric = "accuracy") {
  const auto [a, b] = discordant(n, only_a, only_b);
  return value_or_throw(compare(a, b, two_labels(metric), 1));
}

TEST(Compare, VerdictFollowsTheInterval) {
  EXPECT_EQ(compared(400, 40, 10).verdict, Verdict::a_better);
  EXPECT_EQ(compared(400, 10, 40).verdict, Verdict::b_better);
  EXPECT_EQ(compared(2000, 10, 12).verdict, Verdict::equivalent);
  EXPECT_EQ(compared(100, 12, 9).verdict, Verdict::undecided);
  EXPECT_EQ(compared(400, 40, 10).note, "");
}

TEST(Compare, FewDifferentAnswersNeedTheExactTestToo) {
  for (const auto& [only_a, only_b] : {std::pair{5, 0}, std::pair{9, 2}, std::pair{7, 1}, std::pair{11, 3}}) {
    const Comparison comparison = compared(200, static_cast<std::size_t>(only_a), static_cast<std::size_t>(only_b));
    EXPECT_GT(comparison.difference.low, 0) << only_a;  // the bootstrap alone would call it
    EXPECT_NEAR(comparison.p, comparison.mcnemar, 1e-12);
    EXPECT_EQ(comparison.verdict, Verdict::undecided) << only_a;
    EXPECT_NE(comparison.note.find("chance"), std::string::npos);
  }
  EXPECT_EQ(compared(100, 8, 1).verdict, Verdict::a_better);  // p .039
}

TEST(Compare, RowsThatAreNearlyTheSameCountOnce) {
  // Four groups of two rows, all won by a: the sign test on four groups gives .125.
  std::vector<ScoredRow> a;
  std::vector<ScoredRow> b;
  for (std::size_t i = 0; i < 120; ++i) {
    const std::string gold = i / 2 % 2 == 0 ? "1" : "0";
    a.push_back(row(i, i / 2, gold, gold));
    b.push_back(row(i, i / 2, gold, i < 8 ? (gold == "1" ? "0" : "1") : gold));
  }
  const Comparison comparison = value_or_throw(compare(a, b, two_labels("accuracy"), 1));
  EXPECT_LT(comparison.mcnemar, 0.01);  // by rows, as if they were independent
  EXPECT_NEAR(comparison.p, 0.125, 1e-12);
  EXPECT_EQ(comparison.groups, 60u);
  EXPECT_EQ(comparison.different_groups, 4u);
  EXPECT_EQ(comparison.verdict, Verdict::undecided);
}

TEST(Compare, DifferentAnswersThatAreBothWrongShowNothing) {
  data::Task task = two_labels("accuracy");
  task.labels = {"0", "1", "2"};
  std::vector<ScoredRow> a;
  std::vector<ScoredRow> b;
  for (std::size_t i = 0; i < 200; ++i) {
    const std::string gold = std::to_string(i % 2);
    a.push_back(row(i, i, gold, i >= 5 && i < 30 ? "abstain" : gold));
    b.push_back(row(i, i, gold, i < 30 ? "2" : gold));
  }
  const Comparison comparison = value_or_throw(compare(a, b, task, 1));
  EXPECT_EQ(comparison.different, 30u);
  EXPECT_EQ(comparison.different_groups, 5u);  // those that a alone gets right
  EXPECT_EQ(comparison.verdict, Verdict::undecided);
}

TEST(Compare, EqualityTakesRowsEnoughToHaveShownADifference) {
  for (const std::size_t n : {50u, 60u, 150u}) {
    const Comparison comparison = compared(n, 0, 0);
    EXPECT_EQ(comparison.difference.high, 0);
    EXPECT_EQ(comparison.verdict, Verdict::undecided) << n;
    EXPECT_NE(comparison.note.find("too few to show"), std::string::npos);
  }
  EXPECT_EQ(compared(150, 1, 0).verdict, Verdict::undecided);
  EXPECT_EQ(compared(300, 0, 0).verdict, Verdict::equivalent);
  // Fifteen rows of 300 have the rare label: an unseen mistake or two of a hundred moves macro-F1 by several points.
  std::vector<ScoredRow> rare;
  for (std::size_t i = 0; i < 300; ++i) rare.push_back(row(i, i, i < 15 ? "1" : "0", i < 15 ? "1" : "0"));
  EXPECT_EQ(value_or_throw(compare(rare, rare, two_labels("macro_f1"), 1)).verdict, Verdict::undecided);
  EXPECT_EQ(value_or_throw(compare(rare, rare, two_labels("accuracy"), 1)).verdict, Verdict::equivalent);
}

TEST(Compare, ADifferenceWithinTheMarginIsEquivalentHoweverCertain) {
  const Comparison comparison = compared(3000, 20, 4);
  EXPECT_GT(comparison.difference.low, 0);
  EXPECT_LT(comparison.p, 0.05);
  EXPECT_EQ(comparison.verdict, Verdict::equivalent);
  EXPECT_NE(comparison.note.find("certainly ahead"), std::string::npos);
}

TEST(Compare, AGuesserIsNeverBetter) {
  // Guessing has a macro-F1 near .5, always the same label one of .33: certainly more, and no skill.
  Rng rng(3, 9);
  std::vector<ScoredRow> guesser;
  std::vector<ScoredRow> constant;
  for (std::size_t i = 0; i < 400; ++i) {
    const std::string gold = std::to_string(i % 2);
    guesser.push_back(row(i, i, gold, rng.uniform() < 0.5 ? "1" : "0"));
    constant.push_back(row(i, i, gold, "1"));
  }
  for (const auto& [a, b] : {std::pair{guesser, constant}, std::pair{constant, guesser}}) {
    const Comparison comparison = value_or_throw(compare(a, b, two_labels("macro_f1"), 1));
    EXPECT_TRUE(comparison.difference.low > 0 || comparison.difference.high < 0);
    EXPECT_LT(comparison.p, 0.05);
    EXPECT_EQ(comparison.verdict, Verdict::undecided);
    EXPECT_NE(comparison.note.find("guessing"), std::string::npos);
  }
}

TEST(Compare, RarelyFindsADifferenceBetweenEquals) {
  int better = 0;
  for (std::uint64_t trial = 0; trial < 40; ++trial) {
    Rng rng(trial, 9);
    std::vector<ScoredRow> a;
    std::vector<ScoredRow> b;
    for (std::size_t i = 0; i < 300; ++i) {
      const std::string gold = std::to_string(i % 2);
      const std::string wrong = std::to_string(1 - i % 2);
      a.push_back(row(i, i, gold, rng.uniform() < 0.8 ? gold : wrong));
      b.push_back(row(i, i, gold, rng.uniform() < 0.8 ? gold : wrong));
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

// p over all ways to swap, by brute force.
double swapped_by_force(const std::vector<ScoredRow>& a, const std::vector<ScoredRow>& b, const data::Task& task) {
  std::vector<std::size_t> differing;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].answer != b[i].answer) differing.push_back(i);
  }
  const auto difference = [&](std::size_t swaps) {
    std::vector<const ScoredRow*> left;
    std::vector<const ScoredRow*> right;
    for (std::size_t i = 0, k = 0; i < a.size(); ++i) {
      const bool differs = k < differing.size() && differing[k] == i;
      const bool swap = differs && (swaps >> k & 1) != 0;
      k += differs ? 1 : 0;
      left.push_back(swap ? &b[i] : &a[i]);
      right.push_back(swap ? &a[i] : &b[i]);
    }
    return metric_value(task.metric, left, task) - metric_value(task.metric, right, task);
  };
  const std::size_t ways = std::size_t{1} << differing.size();
  const double observed = std::abs(difference(0));
  std::size_t as_large = 0;
  for (std::size_t swaps = 0; swaps < ways; ++swaps) {
    as_large += std::abs(difference(swaps)) >= observed - 1e-12 ? 1 : 0;
  }
  return static_cast<double>(as_large) / static_cast<double>(ways);
}

// Rows of `labels` labels on which a and b differ in `differing`, a mostly right.
std::pair<std::vector<ScoredRow>, std::vector<ScoredRow>> differing_rows(std::size_t differing, std::size_t labels) {
  std::pair<std::vector<ScoredRow>, std::vector<ScoredRow>> rows;
  for (std::size_t i = 0; i < 3 * differing; ++i) {
    const std::string gold = std::to_string(i * 7 % labels);
    const std::string wrong = std::to_string((i * 7 + 1 + i % 3) % labels);
    const bool differs = i < differing;
    const bool a_right = i % 4 != 3;
    rows.first.push_back(row(i, i, gold, !differs || a_right ? gold : wrong));
    rows.second.push_back(row(i, i, gold, differs && a_right ? wrong : gold));
  }
  return rows;
}

data::Task labelled(std::size_t labels, const std::string& metric) {
  data::Task task = two_labels(metric);
  task.labels.clear();
  for (std::size_t i = 0; i < labels; ++i) task.labels.push_back(std::to_string(i));
  return task;
}

TEST(Randomisation, CountsEveryWayToSwap) {
  for (const char* metric : {"accuracy", "macro_f1", "mcc"}) {
    const auto [a, b] = differing_rows(11, 4);
    const data::Task task = labelled(4, metric);
    EXPECT_NEAR(value_or_throw(compare(a, b, task, 1)).p, swapped_by_force(a, b, task), 1e-9) << metric;
  }
}

TEST(Randomisation, DrawsWhereThereAreTooManyWays) {
  const auto [a, b] = differing_rows(14, 61);  // 2^14 ways over 61 labels
  const data::Task task = labelled(61, "macro_f1");
  const double p = value_or_throw(compare(a, b, task, 1)).p;
  const double exact = swapped_by_force(a, b, task);
  EXPECT_NEAR(p, exact, 5 * std::sqrt(exact * (1 - exact) / 10000) + 1e-4);
}

TEST(Randomisation, IsExactMcNemarForAnyNumberOfRows) {
  for (const auto& [only_a, only_b] : {std::pair{6u, 0u}, std::pair{30u, 12u}, std::pair{400u, 340u}}) {
    const Comparison comparison = compared(1000, only_a, only_b);
    EXPECT_NEAR(comparison.p, mcnemar_p(only_a, only_b), 1e-9) << only_a;
  }
}

// The one called "primary" is the declared one.
NamedComparison with_p(const std::string& a, double p) {
  NamedComparison named{.a = a, .b = "best", .comparison = {}, .adjusted_p = 1, .primary = a == "primary"};
  named.comparison.p = p;
  named.comparison.verdict = Verdict::b_better;
  return named;
}

TEST(AdjustForNumber, DemotesWhatManyComparisonsMakeLikely) {
  std::vector<NamedComparison> comparisons = {with_p("primary", 0.04), with_p("x", 0.001), with_p("y", 0.03),
                                              with_p("z", 0.04)};
  adjust_for_number(comparisons);
  EXPECT_EQ(comparisons[0].comparison.verdict, Verdict::b_better);
  EXPECT_EQ(comparisons[0].adjusted_p, 0.04);
  EXPECT_EQ(comparisons[1].comparison.verdict, Verdict::b_better);
  EXPECT_NEAR(comparisons[1].adjusted_p, 0.003, 1e-12);
  EXPECT_EQ(comparisons[2].comparison.verdict, Verdict::undecided);
  EXPECT_NEAR(comparisons[2].adjusted_p, 0.06, 1e-12);
  EXPECT_NE(comparisons[2].comparison.note.find("One of 3 comparisons"), std::string::npos);
}

TEST(FindComparison, MirrorsWhatWasMadeTheOtherWayRound) {
  const auto [a, b] = discordant(200, 25, 5);
  const Comparison made = value_or_throw(compare(a, b, two_labels("accuracy"), 1));
  const std::vector<NamedComparison> all = {{.a = "a", .b = "b", .comparison = made}};
  const Comparison back = *find_comparison(all, "b", "a");
  const Comparison direct = value_or_throw(compare(b, a, two_labels("accuracy"), 1));
  EXPECT_EQ(back.verdict, Verdict::b_better);
  EXPECT_EQ(back.only_a_right, direct.only_a_right);
  EXPECT_NEAR(back.difference.low, direct.difference.low, 1e-12);
  EXPECT_FALSE(find_comparison(all, "a", "c"));
}

TEST(BeyondGuessing, TakesMoreThanTwoStandardErrors) {
  EXPECT_FALSE(beyond_guessing(Interval{0.1, 0.01, 0.19}));  // 2.2 of them
  EXPECT_TRUE(beyond_guessing(Interval{0.15, 0.06, 0.24}));
  EXPECT_FALSE(beyond_guessing(Interval{-0.9, -0.95, -0.85}));
  EXPECT_FALSE(beyond_guessing(Interval{}));
  EXPECT_TRUE(beyond_guessing(Metrics{}));
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
