#include "solve/task_check.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace hone::solve {
namespace {

// How well the made-up classifier tells labels apart: noise added to a score that is 1 for a row's own label.
struct Answering {
  double noise = 0.3;
  std::vector<std::size_t> merged;  // labels whose rows it takes for each other
};

class TaskCheckTest : public testing::Test {
 protected:
  TaskCheckTest() {
    task_.labels = {"red", "green", "blue"};
    task_.metric = "macro_f1";
    task_.instruction = "Is it red, green or blue?";
    task_.folder = "/tasks/mine";
  }

  data::OutOfFold answers(std::size_t rows, const Answering& how) {
    Rng rng(5);
    data::OutOfFold all;
    all.labels = task_.labels;
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t label = i % task_.labels.size();
      data::Row row;
      row.id = row.group = fmt::format("r{}", i);
      row.output = task_.labels[label];
      // No words in common: neighbours say nothing.
      row.input = fmt::format("w{} v{}", rng.below(1u << 30), rng.below(1u << 30));
      all.rows.push_back(row);
      all.given.push_back(label);
      std::vector<double> p;
      double sum = 0;
      for (std::size_t k = 0; k < task_.labels.size(); ++k) {
        const bool both = std::count(how.merged.begin(), how.merged.end(), k) > 0 &&
                          std::count(how.merged.begin(), how.merged.end(), label) > 0;
        p.push_back(std::exp((k == label || both ? 1 : 0) / std::max(how.noise, 1e-9) + rng.normal()));
        sum += p.back();
      }
      for (double& value : p) value /= sum;
      all.probabilities.push_back(p);
    }
    return all;
  }

  data::Task task_;
};

TEST_F(TaskCheckTest, LabelsThatAreToldApartAreClear) {
  const TaskCheck check = check_task(task_, answers(300, {}), {});
  EXPECT_EQ(check.verdict, TaskVerdict::clear);
  EXPECT_TRUE(check.findings.empty());
  EXPECT_EQ(check.pairs.size(), 3U);
}

TEST_F(TaskCheckTest, TwoLabelsThatAreOneAreNamedWithRows) {
  const data::OutOfFold merged = answers(300, {.noise = 0.3, .merged = {0, 2}});
  const TaskCheck check = check_task(task_, merged, {});
  EXPECT_EQ(check.verdict, TaskVerdict::ambiguous);
  ASSERT_FALSE(check.pairs.empty());
  EXPECT_TRUE(check.pairs[0].is_one && check.pairs[0].a == 0 && check.pairs[0].b == 2);
  EXPECT_FALSE(check.pairs[1].is_one);
  EXPECT_NEAR(check.pairs[0].separation.value, 0.5, 0.12);
  ASSERT_EQ(check.findings.size(), 1U);
  EXPECT_EQ(check.findings[0].id, "labels-not-told-apart");
  EXPECT_EQ(check.findings[0].evidence["a"], "red");
}

TEST_F(TaskCheckTest, FewRowsMakeNoPairOne) {
  const TaskCheck check = check_task(task_, answers(36, {.noise = 0.3, .merged = {0, 2}}), {});
  EXPECT_NE(check.verdict, TaskVerdict::ambiguous) << "12 rows of each are no evidence";
}

TEST_F(TaskCheckTest, AnswersThatGuessAreNotLearnableAndNameNoPair) {
  const TaskCheck check = check_task(task_, answers(600, {.noise = 1e9, .merged = {}}), {});
  EXPECT_EQ(check.verdict, TaskVerdict::not_learnable);
  for (const data::Finding& finding : check.findings) EXPECT_NE(finding.id, "labels-not-told-apart");
}

TEST_F(TaskCheckTest, AReaderThatAgreesShowsThatTheLabelsMeanSomething) {
  const data::OutOfFold guesses = answers(600, {.noise = 1e9, .merged = {}});
  std::vector<eval::ScoredRow> reader;
  for (std::size_t i = 0; i < 60; ++i) {
    eval::ScoredRow row;
    row.id = guesses.rows[i].id;
    row.gold = guesses.rows[i].output;
    row.answer = i % 6 == 0 ? task_.labels[(guesses.given[i] + 1) % 3] : row.gold;
    reader.push_back(row);
  }
  EXPECT_NE(check_task(task_, guesses, reader).verdict, TaskVerdict::not_learnable);
  for (eval::ScoredRow& row : reader) row.answer = "red";
  const TaskCheck check = check_task(task_, guesses, reader);
  EXPECT_EQ(check.verdict, TaskVerdict::not_learnable);
  EXPECT_TRUE(std::any_of(check.findings.begin(), check.findings.end(),
                          [](const data::Finding& finding) { return finding.id == "reader-guesses"; }));
}

}  // namespace
}  // namespace hone::solve
