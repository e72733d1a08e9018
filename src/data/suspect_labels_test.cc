// Laws of confident learning: which rows are suspect is decided as cleanlab decides it, worst first, and rows whose own
// label is as probable as any other never are.
#include "data/suspect_labels.h"

#include <gtest/gtest.h>

#include "data/check.h"

namespace hone::data {
namespace {

TEST(SuspectLabels, QualityIsWhatItsNameSays) {
  const std::vector<double> p = {0.2, 0.7, 0.1};
  EXPECT_DOUBLE_EQ(label_quality(p, 0, LabelQuality::normalized_margin), (0.2 - 0.7 + 1) / 2);
  EXPECT_DOUBLE_EQ(label_quality(p, 1, LabelQuality::normalized_margin), (0.7 - 0.2 + 1) / 2);
  EXPECT_DOUBLE_EQ(label_quality(p, 0, LabelQuality::self_confidence), 0.2);
  EXPECT_DOUBLE_EQ(label_quality(p, 0), 0.2 / (0.2 + 0.7 * 0.7 * 0.7 * 0.7));
  EXPECT_EQ(label_quality({0, 1}, 0), 0);
  EXPECT_EQ(label_quality({0, 1}, 1), 1);
}

// cleanlab 2.9.0: find_label_issues(labels, p, filter_by="confident_learning", return_indices_ranked_by=...) gives
// [3, 7, 9] for "normalized_margin" and for "self_confidence".
TEST(SuspectLabels, AreThoseOfCleanlab) {
  const std::vector<std::vector<double>> p = {{.9, .05, .05}, {.8, .1, .1},   {.7, .2, .1},   {.02, .95, .03},
                                              {.1, .8, .1},   {.2, .6, .2},   {.3, .65, .05}, {.88, .07, .05},
                                              {.1, .1, .8},   {.15, .7, .15}, {.3, .3, .4},   {.2, .1, .7}};
  const std::vector<std::size_t> given = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2};
  for (const LabelQuality quality : {LabelQuality::normalized_margin, LabelQuality::self_confidence}) {
    std::vector<std::size_t> rows;
    std::vector<std::size_t> suggested;
    for (const Suspect& suspect : suspect_labels(p, given, quality)) {
      rows.push_back(suspect.row);
      suggested.push_back(suspect.suggested);
    }
    EXPECT_EQ(rows, (std::vector<std::size_t>{3, 7, 9}));
    EXPECT_EQ(suggested, (std::vector<std::size_t>{1, 0, 1}));
  }
}

TEST(SuspectLabels, ALabelAsProbableAsAnyOtherIsNeverSuspect) {
  EXPECT_TRUE(suspect_labels({{.5, .5}, {.5, .5}}, {0, 1}).empty());
  EXPECT_TRUE(suspect_labels({}, {}).empty());
  // No row has the third label, so it has no threshold to reach, and each row counts under its own.
  EXPECT_TRUE(suspect_labels({{.1, .05, .85}, {.05, .2, .75}}, {0, 1}).empty());
}

TEST(SuspectLabels, AreFoundWithTheLineTheLabelsAndTheCommand) {
  Task task;
  task.labels = {"good", "bad"};
  task.data.train = "/tasks/mine/train.jsonl";
  OutOfFold answers;
  answers.labels = task.labels;
  for (std::size_t i = 0; i < 20; ++i) {
    Row row;
    row.id = fmt::format("r{}", i);
    row.input = fmt::format("text {}", i);
    row.line = i + 1;
    row.output = task.labels[i % 2];
    answers.rows.push_back(row);
    answers.given.push_back(i % 2);
    answers.probabilities.push_back(i % 2 == 0 ? std::vector<double>{.9, .1} : std::vector<double>{.1, .9});
  }
  answers.answer = [&](std::size_t row, const std::string&) { return answers.probabilities[row]; };
  CheckInput input;
  input.task = &task;
  input.train = answers.rows;
  input.out_of_fold = &answers;
  const auto find = [&] {
    const auto findings = check_data(input);
    const auto found = std::find_if(findings.begin(), findings.end(),
                                    [](const Finding& finding) { return finding.id == "suspect-labels"; });
    return found == findings.end() ? Finding{} : *found;
  };
  EXPECT_TRUE(find().id.empty());
  answers.probabilities[6] = {.05, .95};
  const Finding finding = find();
  ASSERT_EQ(finding.rows, std::vector<std::string>{"r6"});
  EXPECT_EQ(finding.evidence["examples"][0]["given"], "good");
  EXPECT_EQ(finding.evidence["examples"][0]["suggested"], "bad");
  EXPECT_EQ(finding.evidence["pairs"][0]["rows"], 1);
  EXPECT_EQ(finding.command, "sed -n '7p' /tasks/mine/train.jsonl");
}

}  // namespace
}  // namespace hone::data
