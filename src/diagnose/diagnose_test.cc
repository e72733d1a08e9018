#include "diagnose/diagnose.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace hone::diagnose {
namespace {

data::Task two_labels() {
  data::Task task;
  task.labels = {"benign", "malicious"};
  task.metric = "macro_f1";
  return task;
}

// `gold` benign of `n` rows; the first `answered` of all rows are answered "benign".
std::vector<eval::ScoredRow> rows(std::size_t n, std::size_t gold, std::size_t answered) {
  std::vector<eval::ScoredRow> result;
  for (std::size_t i = 0; i < n; ++i) {
    eval::ScoredRow row;
    row.id = std::to_string(i);
    row.gold = i < gold ? "benign" : "malicious";
    row.answer = i < answered ? "benign" : "malicious";
    result.push_back(row);
  }
  return result;
}

std::vector<train::StepEvent> steps(int n, const std::function<double(int)>& loss) {
  std::vector<train::StepEvent> result;
  for (int i = 1; i <= n; ++i) {
    train::StepEvent step;
    step.step = i;
    step.steps = n;
    step.epoch = 3.0 * i / n;
    step.loss = loss(i);
    step.gradient_norm = 1;
    step.learning_rate = 5e-4;
    result.push_back(step);
  }
  return result;
}

double healthy(int step) { return 0.7 * std::exp(-step / 20.0) + 0.02 + 0.01 * (step % 3); }

std::vector<std::string> ids(const RunEvidence& evidence) {
  std::vector<std::string> result;
  for (const data::Finding& finding : diagnose(evidence)) result.push_back(finding.id);
  return result;
}

class Diagnose : public testing::Test {
 protected:
  Diagnose() {
    evidence_.task = &task_;
    evidence_.steps = steps(60, healthy);
    evidence_.validation_rows = rows(200, 100, 104);
    evidence_.untuned_rows = rows(200, 100, 170);
    for (int i = 1; i <= 6; ++i) evidence_.validations.push_back({10 * i, 0.9, 0.5 / i});
  }
  data::Task task_ = two_labels();
  RunEvidence evidence_;
};

TEST_F(Diagnose, AHealthyRunHasNoFinding) { EXPECT_TRUE(ids(evidence_).empty()); }

TEST_F(Diagnose, NothingRecordedIsNoFinding) {
  RunEvidence empty;
  empty.task = &task_;
  EXPECT_TRUE(ids(empty).empty());
}

TEST_F(Diagnose, CollapseIsJudgedAgainstTheGoldShares) {
  evidence_.validation_rows = rows(200, 100, 198);
  ASSERT_EQ(ids(evidence_), std::vector<std::string>{"single-class-collapse"});
  const data::Finding finding = diagnose(evidence_).front();
  EXPECT_EQ(finding.severity, data::Severity::error);
  EXPECT_EQ(finding.evidence["label"], "benign");
  EXPECT_EQ(finding.rows.size(), 50u);
  EXPECT_EQ(finding.rows.front(), "100");
  EXPECT_EQ(finding.command, "hone train --learning-rate 0.00017");
  evidence_.validation_rows = rows(200, 193, 194);  // 97 % answers, but so are the labels
  EXPECT_TRUE(ids(evidence_).empty());
  evidence_.validation_rows = rows(200, 193, 200);  // ... while never answering the other label is a collapse
  EXPECT_EQ(ids(evidence_), std::vector<std::string>{"single-class-collapse"});
  evidence_.validation_rows = rows(200, 198, 200);  // two rows are too few to tell
  EXPECT_TRUE(ids(evidence_).empty());
}

TEST_F(Diagnose, CollapseWithoutAFallingLossAsksForAHigherRate) {
  evidence_.validation_rows = rows(200, 100, 200);
  evidence_.steps = steps(60, [](int) { return 0.69; });
  ASSERT_EQ(ids(evidence_), std::vector<std::string>{"single-class-collapse"});
  EXPECT_EQ(diagnose(evidence_).front().command, "hone train --learning-rate 0.0015");
}

TEST_F(Diagnose, NoLearningByLossOrByUnchangedAnswers) {
  evidence_.steps = steps(60, [](int i) { return 0.7 + 0.01 * (i % 2); });
  ASSERT_EQ(ids(evidence_), std::vector<std::string>{"no-learning"});
  EXPECT_EQ(diagnose(evidence_).front().command, "hone train --learning-rate 0.0015");
  evidence_.steps = steps(60, healthy);
  evidence_.untuned_rows = evidence_.validation_rows;
  EXPECT_EQ(ids(evidence_), std::vector<std::string>{"no-learning"});
  evidence_.validation_rows = evidence_.untuned_rows = rows(200, 100, 100);  // all right before and after
  EXPECT_TRUE(ids(evidence_).empty());
}

TEST_F(Diagnose, DivergenceByLossesThatAreNotFinite) {
  evidence_.steps[30].loss = std::numeric_limits<double>::quiet_NaN();
  evidence_.steps[30].skipped = true;
  ASSERT_EQ(ids(evidence_), std::vector<std::string>{"divergence"});
  const data::Finding finding = diagnose(evidence_).front();
  EXPECT_EQ(finding.severity, data::Severity::error);
  EXPECT_EQ(finding.evidence["not_finite"], 1);
  EXPECT_EQ(finding.command, "hone train --learning-rate 0.00017");
}

TEST_F(Diagnose, DivergenceByJumpsAboveTheStartOnly) {
  evidence_.steps[40].loss = 0.3;  // ten times the median, yet below the first losses
  EXPECT_TRUE(ids(evidence_).empty());
  evidence_.steps[40].loss = 2.5;
  EXPECT_EQ(ids(evidence_), std::vector<std::string>{"divergence"});
  evidence_.steps[40].loss = 0.02;
  evidence_.steps[50].gradient_norm = 11;
  const auto findings = diagnose(evidence_);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].severity, data::Severity::warning);
  EXPECT_EQ(findings[0].evidence["gradient_spikes_at"], Json::array({51}));
}

TEST_F(Diagnose, OverfitNeedsThreeRisesWhileTrainingFalls) {
  const std::vector<double> losses = {0.5, 0.3, 0.32, 0.35, 0.4, 0.39};
  for (std::size_t i = 0; i < losses.size(); ++i) evidence_.validations[i].loss = losses[i];
  ASSERT_EQ(ids(evidence_), std::vector<std::string>{"overfit"});
  const data::Finding finding = diagnose(evidence_).front();
  EXPECT_EQ(finding.evidence["best_step"], 20);
  EXPECT_EQ(finding.command, "hone train --epochs 1");
  evidence_.validations[3].loss = 0.31;
  EXPECT_TRUE(ids(evidence_).empty());
}

TEST_F(Diagnose, OverfitShowsInAShortRunByItsEnd) {
  evidence_.validations.resize(4);
  const auto set = [&](const std::vector<double>& losses) {
    for (std::size_t i = 0; i < losses.size(); ++i) evidence_.validations[i].loss = losses[i];
  };
  set({0.3, 0.4, 0.38, 0.6});
  ASSERT_EQ(ids(evidence_), std::vector<std::string>{"overfit"});
  EXPECT_NE(diagnose(evidence_).front().title.find("rose from 0.3 to 0.6"), std::string::npos);
  set({0.3, 0.32, 0.31, 0.4});  // up a little
  EXPECT_TRUE(ids(evidence_).empty());
  set({0.5, 0.4, 0.3, 0.6});  // one bad validation is not a trend
  EXPECT_TRUE(ids(evidence_).empty());
}

TEST_F(Diagnose, CommandsNameTheTasksFolder) {
  task_.folder = "/data/my task";
  evidence_.validation_rows = rows(200, 100, 198);
  EXPECT_EQ(diagnose(evidence_).front().command, "hone train '/data/my task' --learning-rate 0.00017");
}

// Predibase's LoRA Land table (arXiv 2405.00732) gives accuracies only. Cells that are a class share or chance, with
// the sizes of the public evaluation sets; beside them cells of models that did learn.
TEST(PublishedAccuracies, CollapsedCellsAreFoundAndHealthyOnesAreNot) {
  struct Cell {
    const char* name;
    double accuracy;
    std::size_t n;
    double largest_share;
  };
  const std::vector<Cell> collapsed = {
      {"WNLI", 0.563, 71, 40.0 / 71},       {"CoLA", 0.691, 1043, 721.0 / 1043},  {"MRPC", 0.684, 408, 279.0 / 408},
      {"Winogrande", 0.493, 1267, 1.0 / 2}, {"Winogrande", 0.494, 1267, 1.0 / 2}, {"HellaSwag", 0.252, 10042, 1.0 / 4},
      {"MMLU", 0.243, 14042, 1.0 / 4},      {"MMLU", 0.248, 14042, 1.0 / 4},      {"ARC", 0.258, 1172, 1.0 / 4},
      {"ARC", 0.269, 1172, 1.0 / 4},
  };
  for (const Cell& cell : collapsed) {
    EXPECT_TRUE(no_better_than_one_label(cell.accuracy, cell.n, cell.largest_share)) << cell.name << cell.accuracy;
  }
  const std::vector<Cell> healthy_cells = {{"SST-2", 0.961, 872, 444.0 / 872},
                                           {"QNLI", 0.931, 5463, 0.51},
                                           {"MMLU", 0.589, 14042, 0.27},
                                           {"ARC", 0.915, 1172, 0.27}};
  for (const Cell& cell : healthy_cells) {
    EXPECT_FALSE(no_better_than_one_label(cell.accuracy, cell.n, cell.largest_share)) << cell.name;
  }
  // The ones whose class counts are published equal a class share to the third decimal, which is within one row.
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_LE(std::abs(collapsed[i].accuracy - collapsed[i].largest_share), 1.0 / static_cast<double>(collapsed[i].n));
  }
}

TEST(DiagnoseRun, FindsTheRowsOfATrainingRunInTheStore) {
  const Path folder = std::filesystem::temp_directory_path() / fmt::format("hone-diagnose-{}", ::getpid());
  std::filesystem::remove_all(folder);
  {
    track::Store store = track::Store::open(folder / "store.db");
    const data::Task task = two_labels();
    const std::string run = store.begin("train", "fine-tune", Json::object());
    for (const train::StepEvent& step : steps(20, healthy)) store.append_step(run, step);
    const std::string untuned = store.begin("contender", "zero-shot", Json::object());
    store.append_rows(untuned, "validation", rows(100, 50, 80));
    const std::string tuned = store.begin("contender", "fine-tuned", {{"contender", {{"spec", {{"run", run}}}}}});
    store.append_rows(tuned, "validation", rows(100, 50, 100));
    const auto findings = diagnose_run(store, task, "r0001");
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].id, "single-class-collapse");
    EXPECT_THROW(diagnose_run(store, task, "r9"), Failure);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace hone::diagnose
