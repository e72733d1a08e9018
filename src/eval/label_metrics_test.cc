// Metrics of lists of labels and of grades.
#include <gtest/gtest.h>

#include "base/files.h"
#include "data/label_list.h"
#include "eval/score.h"

namespace hone::eval {
namespace {

Json golden() {
  return value_or_throw(
      parse_json(value_or_throw(read_file(Path(HONE_SOURCE_DIR) / "tests/golden/labels.json")), "labels.json"));
}

data::Task list_task(const Json& labels) {
  data::Task task;
  task.kind = data::Kind::json;
  task.metric = "label_f1";
  task.schema = to_text(Json{{"type", "array"}, {"items", {{"enum", labels}}}});
  return task;
}

ScoredRow row_of(const std::string& answer, const std::string& gold) {
  ScoredRow row;
  row.answer = answer;
  row.gold = gold;
  return row;
}

TEST(LabelMetrics, ListsEqualScikitLearns) {
  const Json want = golden();
  std::vector<ScoredRow> rows;
  for (const Json& pair : want["lists"]) {
    rows.push_back(row_of(to_text(pair[0]), to_text(pair[1])));
    rows.back().id = std::to_string(rows.size());
  }
  const Metrics metrics = measure(rows, list_task(want["labels"]), 1);
  for (const char* name : {"label_precision", "label_recall", "label_f1", "label_macro_f1", "exact"})
    EXPECT_NEAR(metrics.named.at(name).value, want[name].get<double>(), 1e-12) << name;
  EXPECT_FALSE(metrics.named.contains("field_f1"));
}

TEST(LabelMetrics, WhatIsNoListHasNoLabels) {
  const data::Task task = list_task({"a", "b"});
  std::vector<ScoredRow> rows = {row_of(R"(["b", "a", "a"])", R"(["a","b"])"), row_of("a", R"(["a"])"),
                                 row_of(R"(["a"])", R"(["a","b"])")};
  rows[2].failed = true;
  for (const ScoredRow& row : rows) EXPECT_EQ(is_right(row, task), &row == rows.data());
  const Metrics metrics = measure(rows, task, 1);
  EXPECT_DOUBLE_EQ(metrics.named.at("label_precision").value, 1);
  EXPECT_DOUBLE_EQ(metrics.named.at("label_recall").value, 2.0 / 5);
}

TEST(LabelMetrics, GradesEqualScikitLearns) {
  const Json want = golden();
  data::Task task;
  task.labels = {"1", "2", "3", "4", "5"};
  task.ordered = true;
  task.metric = "qwk";
  std::vector<ScoredRow> rows;
  for (const Json& pair : want["grades"]) {
    rows.push_back(row_of(pair[1].get<std::string>(), pair[0].get<std::string>()));
    rows.back().id = std::to_string(rows.size());
  }
  Metrics metrics = measure(rows, task, 1);
  for (const char* name : {"qwk", "within_one"})
    EXPECT_NEAR(metrics.named.at(name).value, want[name].get<double>(), 1e-12) << name;
  const double before = metrics.named.at("qwk").value;
  rows[0].gold = "2";
  rows[0].answer = "abstain";  // as far off as 5 is
  std::vector<ScoredRow> farthest = rows;
  farthest[0].answer = "5";
  EXPECT_DOUBLE_EQ(measure(rows, task, 1).named.at("qwk").value, measure(farthest, task, 1).named.at("qwk").value);
  EXPECT_LT(measure(rows, task, 1).named.at("qwk").value, before);
}

TEST(LabelMetrics, OnlyAListOfTextsFromAnEnumIsOne) {
  data::Task task = list_task({"a", "b"});
  EXPECT_EQ(data::listed_labels(task), (std::vector<std::string>{"a", "b"}));
  for (const char* other :
       {R"({"type":"array","items":{"enum":["a",1]}})", R"({"type":"array","items":{"type":"string"}})",
        R"({"type":"array","items":{"enum":["a"]},"contains":{"const":"a"}})", R"({"enum":["a"]})"}) {
    task.schema = other;
    EXPECT_FALSE(data::listed_labels(task)) << other;
  }
}

}  // namespace
}  // namespace hone::eval
