#include "eval/score.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "eval/chrf.h"

namespace hone::eval {
namespace {

Json golden() {
  return value_or_throw(
      parse_json(value_or_throw(read_file(Path(HONE_SOURCE_DIR) / "tests/golden/eval.json")), "eval.json"));
}

data::Task classify_task(const std::vector<std::string>& labels) {
  data::Task task;
  task.labels = labels;
  task.metric = "macro_f1";
  return task;
}

std::vector<ScoredRow> answered(const Json& gold, const Json& answers) {
  std::vector<ScoredRow> rows;
  for (std::size_t i = 0; i < gold.size(); ++i) {
    ScoredRow row;
    row.id = std::to_string(i);
    row.gold = gold[i].get<std::string>();
    row.answer = answers[i].get<std::string>();
    rows.push_back(row);
  }
  return rows;
}

text::Reply reply(const std::string& answer) {
  text::Reply result;
  result.answer = answer;
  return result;
}

TEST(Measure, EqualsScikitLearn) {
  const Json samples = golden()["classification"];
  for (const Json& sample : samples) {
    SCOPED_TRACE(sample["name"].get<std::string>());
    const data::Task task = classify_task(sample["labels"].get<std::vector<std::string>>());
    const Metrics metrics = measure(answered(sample["gold"], sample["answers"]), task, 1);
    for (const char* name : {"accuracy", "macro_f1", "mcc"}) {
      EXPECT_NEAR(metrics.named.at(name).value, sample[name].get<double>(), 1e-12) << name;
      EXPECT_LE(metrics.named.at(name).low, metrics.named.at(name).value);
      EXPECT_GE(metrics.named.at(name).high, metrics.named.at(name).value);
    }
    for (std::size_t i = 0; i < task.labels.size(); ++i) {
      EXPECT_NEAR(metrics.classes[i].precision.value, sample["precision"][i].get<double>(), 1e-12);
      EXPECT_NEAR(metrics.classes[i].recall.value, sample["recall"][i].get<double>(), 1e-12);
    }
  }
}

TEST(Measure, CountsAFailedRowAsWrongButAsNoClass) {
  std::vector<ScoredRow> rows = answered({"a", "a", "b", "b"}, {"a", "", "b", "b"});
  rows[1].failed = true;
  const Metrics metrics = measure(rows, classify_task({"a", "b"}), 1);
  EXPECT_EQ(metrics.failed, 1u);
  EXPECT_DOUBLE_EQ(metrics.named.at("accuracy").value, 0.75);
  EXPECT_DOUBLE_EQ(metrics.named.at("macro_f1").value, (2.0 / 3 + 1) / 2);
  EXPECT_EQ(metrics.confusion_labels.back(), "(no answer)");
  EXPECT_EQ(metrics.confusion[0][2], 1u);
}

TEST(Measure, GivesRecallOfEachSource) {
  std::vector<ScoredRow> rows = answered({"a", "a", "b"}, {"a", "b", "b"});
  rows[0].source = rows[1].source = "mail";
  const Metrics metrics = measure(rows, classify_task({"a", "b"}), 1);
  ASSERT_EQ(metrics.recall_by_source.size(), 1u);
  EXPECT_DOUBLE_EQ(metrics.recall_by_source.at("mail").value, 0.5);
}

TEST(Measure, OfNoRowsIsZeroNotNan) {
  const Metrics metrics = measure({}, classify_task({"a", "b"}), 1);
  EXPECT_EQ(metrics.named.at("macro_f1").value, 0);
  EXPECT_EQ(metrics.named.at("accuracy").high, 1);
}

TEST(Chrf, EqualsSacrebleu) {
  const Json sample = golden()["chrf"];
  ChrfCounts sums{};
  for (std::size_t i = 0; i < sample["pairs"].size(); ++i) {
    const Json& pair = sample["pairs"][i];
    const ChrfCounts counts = chrf_counts(pair[0].get<std::string>(), pair[1].get<std::string>());
    EXPECT_NEAR(chrf_value(counts.data()), sample["rows"][i].get<double>(), 1e-12) << i;
    for (std::size_t cell = 0; cell < sums.size(); ++cell) sums[cell] += counts[cell];
  }
  EXPECT_NEAR(chrf_value(sums.data()), sample["corpus"].get<double>(), 1e-12);
}

TEST(Chrf, TakesAnyBytes) {
  EXPECT_DOUBLE_EQ(chrf_value(chrf_counts("\xff\xfe\xc3", "\xff\xfe\xc3").data()), 1);
  EXPECT_DOUBLE_EQ(chrf_value(chrf_counts("\xf0\x9f", "ab").data()), 0);
  EXPECT_DOUBLE_EQ(chrf_value(chrf_counts("", "").data()), 0);
}

TEST(ScoreRow, ComparesLabelsExactlyAfterTrimming) {
  data::Row row;
  row.output = "benign";
  const data::Task task = classify_task({"benign", "malicious"});
  EXPECT_EQ(score_row(row, reply(" benign\n"), task).score, 1);
  EXPECT_EQ(score_row(row, reply("Benign"), task).score, 0);
  EXPECT_EQ(score_row(row, reply("benign."), task).score, 0);
}

TEST(ScoreRow, ComparesJsonByValue) {
  data::Row row;
  row.output = R"({"a": 1, "b": [1, 2]})";
  data::Task task;
  task.kind = data::Kind::json;
  task.metric = "exact";
  EXPECT_EQ(score_row(row, reply(R"({"b":[1,2.0],"a":1})"), task).score, 1);
  EXPECT_EQ(score_row(row, reply(R"({"b":[2,1],"a":1})"), task).score, 0);
  EXPECT_EQ(score_row(row, reply(R"({"b":[1,2],"a":1)"), task).score, 0);
  row.output = "not json";
  EXPECT_EQ(score_row(row, reply("not json"), task).score, 0);
}

TEST(ScoreRow, KeepsTheErrorOfAFailedRow) {
  data::Row row;
  row.output = "benign";
  const ScoredRow scored = score_row(row, bad_input("no room"), classify_task({"benign"}));
  EXPECT_TRUE(scored.failed);
  EXPECT_EQ(scored.error, "no room");
  EXPECT_EQ(scored.score, 0);
}

TEST(ScoredRowJson, RoundTrips) {
  ScoredRow row;
  row.id = "r1";
  row.group = "g";
  row.source = "s\"\n";
  row.gold = "a";
  row.answer = "b";
  row.label_probabilities = {{"b", 0.75}, {"a", 0.25}};
  row.score = 0.5;
  row.latency_ms = 12.25;
  row.prompt_tokens = 40;
  row.completion_tokens = 2;
  const Json json = to_json(row);
  const Result<ScoredRow> back = scored_row_from_json(json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(back->label_probabilities, row.label_probabilities);
}

TEST(ScoredRowJson, NamesTheWrongKey) {
  EXPECT_NE(scored_row_from_json(Json{{"id", 4}}).error().message.find("\"id\""), std::string::npos);
  EXPECT_NE(scored_row_from_json(Json{{"id", "a"}, {"score", "x"}}).error().message.find("\"score\""),
            std::string::npos);
  EXPECT_FALSE(scored_row_from_json(Json::array()));
  EXPECT_FALSE(scored_row_from_json(Json{{"gold", "a"}}));
}

TEST(MetricValue, RefusesAnUnknownMetric) { EXPECT_THROW(metric_value("bleu", {}, classify_task({"a"})), Failure); }

}  // namespace
}  // namespace hone::eval
