#include "data/check.h"

#include <gtest/gtest.h>

#include <fstream>

namespace hone::data {
namespace {

Row row_of(const std::string& id, const std::string& input, const std::string& output) {
  Row row;
  row.id = id;
  row.input = input;
  row.output = output;
  row.line = std::hash<std::string>{}(id) % 1000 + 1;
  return row;
}

class Check : public testing::Test {
 protected:
  Check() {
    task_.labels = {"good", "bad"};
    task_.metric = "macro_f1";
    task_.folder = "/tasks/mine";
    task_.data.train = "/tasks/mine/train.jsonl";
    task_.data.test = "/tasks/mine/test.csv";
    input_.task = &task_;
    for (int i = 0; i < 500; ++i) {
      input_.train.push_back(row_of(fmt::format("r{}", i), spelled(i), i % 2 == 0 ? "good" : "bad"));
    }
  }

  // A text of its own for every number.
  static std::string spelled(int number) {
    static const std::vector<std::string> words = {"ash", "birch", "cedar", "date", "elm",
                                                   "fir", "gum",   "hazel", "ivy",  "jute"};
    std::string text;
    for (int i = 0; i < 4; ++i, number /= 10) text += words[static_cast<std::size_t>(number % 10)] + " ";
    return text;
  }

  const Finding* find(const std::string& id) {
    findings_ = check_data(input_);
    for (const Finding& finding : findings_) {
      EXPECT_FALSE(finding.title.empty() || finding.suggestion.empty() || finding.command.empty()) << finding.id;
      EXPECT_TRUE(finding.evidence.is_object()) << finding.id;
      EXPECT_LE(finding.rows.size(), 50U);
    }
    const auto found = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& f) { return f.id == id; });
    return found == findings_.end() ? nullptr : &*found;
  }

  Task task_;
  CheckInput input_;
  std::vector<Finding> findings_;
};

TEST_F(Check, CleanRowsGiveNothingWorseThanANote) {
  input_.tokens = [](const Row&) { return 20; };
  input_.max_tokens = 100;
  find("");
  for (const Finding& finding : findings_)
    EXPECT_EQ(finding.severity, Severity::note) << finding.id << ": " << finding.title;
}

TEST_F(Check, RepeatedRowsAreDuplicates) {
  input_.train.push_back(row_of("again", spelled(3), "bad"));
  input_.train.push_back(row_of("nearly", spelled(7) + "!!", "bad"));
  const Finding* finding = find("duplicate");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence["exact"], 1);
  EXPECT_EQ(finding->evidence["near"], 1);
  EXPECT_EQ(finding->rows, (std::vector<std::string>{"again", "nearly"}));
  EXPECT_EQ(finding->severity, Severity::note);
  const Json& examples = finding->evidence["examples"];
  ASSERT_EQ(examples.size(), 2U) << "both halves of each pair are shown";
  EXPECT_EQ(examples[0]["repeats"], "r3");
  EXPECT_EQ(examples[1]["repeats"], "r7");
  EXPECT_NE(examples[1]["why"].get<std::string>().find(spelled(7).substr(0, 20)), std::string::npos);
}

TEST_F(Check, OneInputWithTwoLabelsIsAConflict) {
  input_.train.push_back(row_of("other", " " + spelled(4), "bad"));
  const Finding* finding = find("conflicting-labels");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence["inputs"], 1);
  EXPECT_EQ(std::set<std::string>(finding->rows.begin(), finding->rows.end()), (std::set<std::string>{"r4", "other"}));
  EXPECT_NE(finding->command.find("/tasks/mine/train.jsonl"), std::string::npos);
}

TEST_F(Check, ACopyOfATestRowInTrainingIsLeakage) {
  for (int i = 0; i < 200; ++i) input_.test.push_back(row_of(fmt::format("t{}", i), spelled(5000 + i), "good"));
  EXPECT_EQ(find("leakage"), nullptr);
  input_.test[3].input = spelled(17);
  const Finding* finding = find("leakage");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->rows, (std::vector<std::string>{"r17"}));
  EXPECT_EQ(finding->evidence["copied"], 1);
  EXPECT_EQ(finding->evidence["exact"], 1);
  EXPECT_EQ(finding->severity, Severity::warning);
  for (int i = 20; i < 30; ++i) input_.test[static_cast<std::size_t>(i)].input = spelled(i);
  EXPECT_EQ(find("leakage")->severity, Severity::error);
}

TEST_F(Check, WhatTheSplitCannotKeepTogetherIsLeakage) {
  input_.train[1].input = input_.train[0].input;
  EXPECT_EQ(find("duplicate")->suggestion.find("on one side"), std::string::npos) << "no split was made yet";
  Split split;
  input_.split = &split;
  split.train = {input_.train[0], input_.train[1]};
  split.test.assign(input_.train.begin() + 2, input_.train.end());
  EXPECT_NE(find("duplicate")->suggestion.find("The split keeps them on one side."), std::string::npos);
  EXPECT_EQ(find("leakage"), nullptr);
  split.train = {input_.train[0]};
  split.test.push_back(input_.train[1]);
  EXPECT_EQ(find("duplicate")->suggestion.find("on one side"), std::string::npos);
  const Finding* leakage = find("leakage");
  ASSERT_NE(leakage, nullptr);
  EXPECT_EQ(leakage->rows, std::vector<std::string>{"r0"});
  EXPECT_EQ(leakage->evidence["copied"], 1);
  EXPECT_NE(leakage->title.find("the split could not keep them on one side"), std::string::npos);
}

TEST_F(Check, RowsSetAsideAreListedWithLineAndBothGroups) {
  Split split;
  input_.split = &split;
  split.train = input_.train;
  EXPECT_EQ(find("set-aside"), nullptr);
  split.set_aside.push_back({input_.train[7], "train.jsonl", {{"r1", "train"}, {"r2", "test"}}});
  const Finding* aside = find("set-aside");
  ASSERT_NE(aside, nullptr);
  EXPECT_EQ(aside->rows, std::vector<std::string>{"r7"});
  EXPECT_EQ(aside->evidence["examples"][0]["line"], input_.train[7].line);
  EXPECT_EQ(aside->evidence["examples"][0]["why"], "nearly repeats rows of train (r1) and test (r2)");
  EXPECT_EQ(aside->command, fmt::format("sed -n '{}p' /tasks/mine/train.jsonl", input_.train[7].line));
}

TEST_F(Check, AColumnThatStandsNowhereIsNamed) {
  input_.columns = {"input", "output", "family"};
  EXPECT_EQ(find("unknown-column"), nullptr) << "the default name may be absent";
  task_.data.source = "famly";
  const Finding* unknown = find("unknown-column");
  ASSERT_NE(unknown, nullptr);
  EXPECT_EQ(unknown->severity, Severity::warning);
  EXPECT_EQ(unknown->suggestion, "Write source = \"family\" in [data].");
  task_.data.source = "family";
  EXPECT_EQ(find("unknown-column"), nullptr);
}

TEST_F(Check, RejectedRowsAreReportedByReasonWithTheirLines) {
  input_.rejected = {{7, "empty: \"input\" holds no text", "empty", "train.jsonl"},
                     {9, "unknown label \"goood\"", "unknown-label", "train.jsonl"},
                     {3, "2 fields", "ragged", "test.csv"}};
  const Finding* empty = find("empty");
  ASSERT_NE(empty, nullptr);
  EXPECT_EQ(empty->command, "sed -n '7p' /tasks/mine/train.jsonl");
  EXPECT_EQ(empty->rows, (std::vector<std::string>{"train.jsonl:7"}));
  EXPECT_NE(find("unknown-label"), nullptr);
  const Finding* ragged = find("rejected-rows");
  ASSERT_NE(ragged, nullptr);
  EXPECT_EQ(ragged->command, "sed -n '3p' /tasks/mine/test.csv");
  EXPECT_EQ(ragged->evidence["examples"][0], (Json{{"line", 3}, {"why", "2 fields"}, {"file", "test.csv"}}));
}

TEST_F(Check, RowsThatBreakTheSchemaAreNamedWithPointerAndKeyword) {
  Rejected rejected;
  rejected.line = 7;
  rejected.why = "\"output\" breaks the task's schema at /age: maximum (#/properties/age/maximum)";
  rejected.reason = "breaks-schema";
  rejected.file = "train.jsonl";
  rejected.pointer = "/age";
  rejected.keyword = "maximum";
  input_.rejected = {rejected};
  const Finding* finding = find("breaks-schema");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence["examples"][0]["pointer"], "/age");
  EXPECT_EQ(finding->evidence["examples"][0]["keyword"], "maximum");
  EXPECT_EQ(finding->rows, std::vector<std::string>{"train.jsonl:7"});
  EXPECT_EQ(finding->command, "sed -n '7p' /tasks/mine/train.jsonl");
}

TEST_F(Check, NoUsableRowIsAnError) {
  input_.train.clear();
  const Finding* finding = find("no-rows");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::error);
}

TEST_F(Check, RareMissingAndDominantLabelsAreNamed) {
  task_.labels.push_back("ugly");
  task_.labels.push_back("rare");
  for (int i = 0; i < 3; ++i) input_.train[static_cast<std::size_t>(i)].output = "rare";
  const Finding* missing = find("label-missing-in-train");
  ASSERT_NE(missing, nullptr);
  EXPECT_EQ(missing->evidence["labels"], Json::array({"ugly"}));
  const Finding* rare = find("rare-class");
  ASSERT_NE(rare, nullptr);
  EXPECT_EQ(rare->rows.size(), 3U);
  EXPECT_EQ(find("imbalance"), nullptr);
  task_.labels = {"good", "bad"};
  for (Row& row : input_.train) row.output = "good";
  for (int i = 0; i < 60; ++i) input_.train[static_cast<std::size_t>(i)].output = "bad";
  const Finding* imbalance = find("imbalance");
  ASSERT_NE(imbalance, nullptr);
  EXPECT_DOUBLE_EQ(imbalance->evidence["majority_share"].get<double>(), 0.88);
}

TEST_F(Check, RowsLongerThanTheModelReadsAreTruncated) {
  EXPECT_EQ(find("truncation")->evidence["checked"], false);
  input_.train[5].input = std::string(120, 'x');
  input_.tokens = [](const Row& row) { return static_cast<int>(row.input.size()); };
  input_.max_tokens = 100;
  const Finding* finding = find("truncation");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->rows, (std::vector<std::string>{"r5"}));
  EXPECT_EQ(finding->evidence["longest"], 120);
}

TEST_F(Check, TheSmallestDifferenceThatTheRowsCanShowIsGiven) {
  const Finding* enough = find("test-size");
  ASSERT_NE(enough, nullptr);
  EXPECT_EQ(enough->evidence["scored_rows"], 150);
  EXPECT_NEAR(enough->evidence["smallest_difference"][1]["difference"].get<double>(), 2.80 * std::sqrt(0.1 / 150),
              1e-12);
  input_.train.resize(300);
  const Finding* few = find("too-few-rows");
  ASSERT_NE(few, nullptr);
  EXPECT_EQ(few->severity, Severity::warning);
  EXPECT_EQ(few->evidence["scored_rows"], 60) << "a fifth is tested, however few there are";
  EXPECT_EQ(few->command, "hone solve /tasks/mine") << "checking again would say the same";
}

TEST_F(Check, TheRowsThatJudgeAreThoseOfTheTestSide) {
  Split split;
  input_.split = &split;
  split.test.assign(input_.train.begin(), input_.train.begin() + 5);
  const Finding* few = find("too-few-rows");
  ASSERT_NE(few, nullptr);
  EXPECT_EQ(few->evidence["scored_rows"], 5);
  EXPECT_EQ(few->title.find("With 5 test rows a difference shows from about 28.0, 39.6 or 56.0 points on"), 0U)
      << few->title;
  split.test.clear();
  EXPECT_EQ(find("too-few-rows")->title, "No row is left to test on: contenders cannot be compared.");
}

TEST_F(Check, FindingsKeepToTheirSchema) {
  input_.train.push_back(row_of("again", spelled(3), "good"));
  task_.data.source = "famly";
  input_.columns = {"input"};
  Split split;
  split.set_aside.push_back({input_.train[7], "train.jsonl", {{"r1", "train"}, {"r2", "test"}}});
  input_.split = &split;
  find("");
  std::ifstream file(std::string(HONE_SOURCE_DIR) + "/docs/schemas/data_check.json");
  const Json schema = Json::parse(file);
  const Json& item = schema["properties"]["findings"]["items"];
  for (const Finding& finding : findings_) {
    const Json json = to_json(finding);
    for (const auto& key : item["required"]) EXPECT_TRUE(json.contains(key.get<std::string>())) << key;
    for (const auto& [key, value] : json.items()) EXPECT_TRUE(item["properties"].contains(key)) << key;
    const Json& ids = item["properties"]["id"]["enum"];
    EXPECT_NE(std::find(ids.begin(), ids.end(), json["id"]), ids.end()) << json["id"];
    const Json& severities = item["properties"]["severity"]["enum"];
    EXPECT_NE(std::find(severities.begin(), severities.end(), json["severity"]), severities.end());
  }
}

}  // namespace
}  // namespace hone::data
