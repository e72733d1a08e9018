// Laws of classic/: probabilities sum to one, ranking is BM25's, saved classifiers answer as before, training is
// deterministic, and words outside ASCII count.
#include "classic/classic.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/rng.h"
#include "classic/logistic.h"

namespace hone::classic {
namespace {

std::vector<data::Row> weather_rows() {
  std::vector<data::Row> rows;
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"heavy rain all day", "wet"},     {"rain and a storm", "wet"},
      {"drizzle then more rain", "wet"}, {"flooded street after the storm", "wet"},
      {"sunny and hot", "dry"},          {"a dry sunny afternoon", "dry"},
      {"hot desert wind", "dry"},        {"no clouds, just sun", "dry"}};
  for (int copy = 0; copy < 3; ++copy) {
    for (const auto& [input, output] : pairs) {
      data::Row row;
      row.id = fmt::format("{}", rows.size());
      row.input = input + (copy == 0 ? "" : copy == 1 ? " today" : " again");
      row.output = output;
      rows.push_back(row);
    }
  }
  return rows;
}

text::Reply ask(text::Responder& responder, const std::string& input) {
  const std::vector<text::Request> requests = {{.id = "q", .messages = {{"user", input}}, .answer = {}}};
  text::Reply got;
  responder.respond(requests, [&](std::size_t, Result<text::Reply> reply) { got = *reply; }, {});
  return got;
}

const std::vector<std::string> labels = {"dry", "wet"};

TEST(Bm25, RanksRareSharedWordsFirstAndLeavesOutStrangers) {
  const auto rows = weather_rows();
  const Bm25Index index(rows);
  const auto hits = index.nearest("desert rain", 50);
  ASSERT_FALSE(hits.empty());
  EXPECT_EQ(rows[hits.front().row].input, "hot desert wind");
  for (std::size_t i = 1; i < hits.size(); ++i) EXPECT_GE(hits[i - 1].score, hits[i].score);
  EXPECT_LT(hits.size(), rows.size());
  EXPECT_TRUE(index.nearest("zebra", 5).empty());
}

TEST(Bm25, ScoreFollowsTheFormula) {
  std::vector<data::Row> rows(2);
  rows[0].input = "a b b";
  rows[1].input = "c";
  // idf = ln(1 + (2 - 1 + .5) / (1 + .5)) = ln 2; length 3, mean 2; tf 2: 2 * 2.2 / (2 + 1.2 * (.25 + .75 * 1.5)).
  EXPECT_NEAR(Bm25Index(rows).nearest("b", 1)[0].score, std::log(2.0) * 4.4 / (2 + 1.2 * 1.375), 1e-12);
}

TEST(Majority, AnswersTheMostFrequentLabelWithItsShare) {
  auto rows = weather_rows();
  rows.resize(7);
  const auto reply = ask(*majority(rows, labels), "anything");
  EXPECT_EQ(reply.answer, "wet");
  EXPECT_NEAR(reply.label_probabilities[1].second, 4.0 / 7, 1e-12);
}

TEST(Knn, VotesByNeighboursAndFallsBackToShares) {
  const auto rows = weather_rows();
  const auto responder = knn(rows, labels, 3);
  EXPECT_EQ(ask(*responder, "storm and rain").answer, "wet");
  EXPECT_NEAR(ask(*responder, "zebra").label_probabilities[0].second, 0.5, 1e-12);
}

TEST(Text, CopyAndNearestOutput) {
  const auto rows = weather_rows();
  EXPECT_EQ(ask(*copy_input(), "as it is").answer, "as it is");
  EXPECT_EQ(ask(*nearest_output(rows), "desert").answer, "dry");
}

TEST(Ngram, SeparatesAndSumsToOneAndIsDeterministic) {
  const auto rows = weather_rows();
  const auto first = NgramClassifier::train(rows, labels, 1);
  const auto second = NgramClassifier::train(rows, labels, 1);
  for (const auto& row : rows) {
    const auto p = first.probabilities(row.input);
    EXPECT_NEAR(p[0] + p[1], 1, 1e-12);
    EXPECT_GT(p[row.output == "dry" ? 0 : 1], 0.5) << row.input;
    EXPECT_EQ(p, second.probabilities(row.input));
  }
}

TEST(Ngram, SavedClassifierAnswersAsBefore) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("hone-ngram-{}", ::getpid());
  const auto trained = NgramClassifier::train(weather_rows(), labels, 1);
  trained.save(folder);
  const auto loaded = NgramClassifier::load(folder);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->probabilities("storm over the desert"), trained.probabilities("storm over the desert"));
  write_file(folder / "ngram.bin", "short");
  EXPECT_FALSE(NgramClassifier::load(folder));
  std::filesystem::remove_all(folder);
}

TEST(Ngram, ALabelWithoutRowsIsNeverAnswered) {
  const auto classifier = NgramClassifier::train(weather_rows(), {"dry", "wet", "snow"}, 1);
  const auto p = classifier.probabilities("rain");
  EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-12);
  EXPECT_LT(p[2], 0.01);
}

TEST(Features, WordsAreUnicode) {
  EXPECT_EQ(words_of("Größe, naïve! 東京_2"), (std::vector<std::string>{"größe", "naïve", "東京_2"}));
  EXPECT_TRUE(words_of("\xff\xfe").empty());
}

TEST(Features, BothPartsHaveEqualLength) {
  const std::vector<std::string> texts = {"one two three", "one two four"};
  const auto features = NgramFeatures::learn(texts);
  double squares = 0;
  for (const auto& [index, value] : features.transform(texts[0])) squares += value * value;
  EXPECT_NEAR(squares, 1, 1e-5);
}

TEST(Logistic, MinimisesTheStatedObjective) {
  // One feature, two rows at +1 and -1: the optimum solves w = 2 C / (1 + exp(w)) with bias 0.
  const std::vector<SparseRow> rows = {{{0, 1.0F}}, {{0, -1.0F}}};
  const std::vector<int> classes = {1, 0};
  const auto fitted = fit_logistic({rows, classes, 2, 1}, 1.0);
  double w = 1;
  for (int i = 0; i < 200; ++i) w = 0.5 * w + 0.5 * 2 / (1 + std::exp(w));
  EXPECT_NEAR(fitted.weights[0], w, 0.02);
  EXPECT_NEAR(fitted.bias[0], 0, 0.02);
}

TEST(Logistic, TheBiasIsKept) {
  // No feature tells the rows apart, so three of four rows in class 1 leave only the bias to say so.
  const std::vector<SparseRow> rows(40, SparseRow{});
  std::vector<int> classes(40, 1);
  for (std::size_t i = 0; i < 10; ++i) classes[i] = 0;
  EXPECT_NEAR(fit_logistic({rows, classes, 2, 1}, 100).probabilities({})[1], 0.75, 0.01);
}

TEST(Logistic, ClassesSharedAmongWorkersGiveTheSameBits) {
  Rng rng(4);
  std::vector<SparseRow> rows;
  std::vector<int> classes;
  for (int i = 0; i < 120; ++i) {
    classes.push_back(i % 5);
    rows.push_back({{static_cast<std::uint32_t>(i % 5), 1.0F}, {5, static_cast<float>(rng.normal())}});
  }
  ThreadPool pool(3);
  const LogisticProblem problem{rows, classes, 6, 6};
  const LogisticWeights alone = fit_logistic(problem, 3);
  const LogisticWeights shared = fit_logistic(problem, 3, pool);
  EXPECT_EQ(alone.weights, shared.weights);
  EXPECT_EQ(alone.bias, shared.bias);
  const auto p = alone.probabilities(rows[3]);
  EXPECT_EQ(std::max_element(p.begin(), p.end()) - p.begin(), 3);
  EXPECT_LT(p[5], 1e-6) << "class 5 has no rows";
}

TEST(LinearHead, LearnsALinearRuleAndSurvivesJson) {
  Rng rng(3);
  std::vector<std::vector<float>> vectors;
  std::vector<std::string> outputs;
  for (int i = 0; i < 200; ++i) {
    std::vector<float> v;
    for (int d = 0; d < 8; ++d) v.push_back(static_cast<float>(rng.normal()));
    outputs.push_back(v[2] - v[5] > 0 ? "wet" : "dry");
    vectors.push_back(std::move(v));
  }
  const auto head = LinearHead::train(vectors, outputs, labels, 1);
  const auto again = LinearHead::from_json(head.to_json());
  ASSERT_TRUE(again);
  int right = 0;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const auto p = head.probabilities(vectors[i]);
    right += (p[1] > p[0]) == (outputs[i] == "wet") ? 1 : 0;
    EXPECT_NEAR(again->probabilities(vectors[i])[0], p[0], 1e-6);
  }
  EXPECT_GT(right, 190);
}

}  // namespace
}  // namespace hone::classic
