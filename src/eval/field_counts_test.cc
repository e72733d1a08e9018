#include "eval/field_counts.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "eval/score.h"

namespace hone::eval {
namespace {

TEST(FieldCounts, CountsPlacesWithEqualValues) {
  const std::string gold = R"({"intent": "go", "slots": {"a": "x", "n": [1, {"k": null}]}})";
  EXPECT_EQ(field_counts(gold, gold), (FieldCounts{4, 4, 4}));
  EXPECT_EQ(field_counts(R"({"slots":{"n":[1.0],"a":"X","b":true},"intent":"go"})", gold), (FieldCounts{2, 4, 4}));
  EXPECT_EQ(field_counts(R"({"slots": {"n": [{"k": null}, 1]}})", gold), (FieldCounts{0, 2, 4}));
  EXPECT_EQ(field_counts(R"({"intent": "go")", gold), (FieldCounts{0, 0, 4}));
  EXPECT_EQ(field_counts(R"({"a": {}, "b": [], "c": null})", R"({"a": null, "c": null})"), (FieldCounts{1, 1, 2}));
}

TEST(Measure, FieldMetricsEqualPlainPython) {
  const Json golden = value_or_throw(
      parse_json(value_or_throw(read_file(Path(HONE_SOURCE_DIR) / "tests/golden/fields.json")), "fields.json"));
  data::Task task;
  task.kind = data::Kind::json;
  task.metric = "exact";
  std::vector<ScoredRow> rows;
  for (const Json& pair : golden["rows"]) {
    ScoredRow row;
    row.id = std::to_string(rows.size());
    row.answer = pair[0].get<std::string>();
    row.gold = pair[1].get<std::string>();
    rows.push_back(std::move(row));
  }
  const Metrics metrics = measure(rows, task, 1);
  for (const char* name : {"field_precision", "field_recall", "field_f1"}) {
    const Interval& interval = metrics.named.at(name);
    EXPECT_NEAR(interval.value, golden[name].get<double>(), 1e-12) << name;
    EXPECT_LT(interval.low, interval.value);
    EXPECT_GT(interval.high, interval.value);
  }
  // A row without an answer has no fields, whatever it holds.
  const double before = metrics.named.at("field_recall").value;
  for (ScoredRow& row : rows) row.failed = true;
  EXPECT_GT(before, 0);
  EXPECT_EQ(measure(rows, task, 1).named.at("field_recall").value, 0);
  task.kind = data::Kind::text;
  EXPECT_FALSE(measure(rows, task, 1).named.contains("field_f1"));
}

}  // namespace
}  // namespace hone::eval
