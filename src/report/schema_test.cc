// The documents that eval/, decide/ and diagnose/ make, against docs/schemas/.
#include <gtest/gtest.h>

#include "base/files.h"
#include "decide/decide.h"
#include "diagnose/diagnose.h"

namespace hone::report {
namespace {

// The part of JSON Schema that docs/schemas/ use; empty where `value` fits, else the place that does not.
class Checker {
 public:
  explicit Checker(const std::string& name)
      : root_(value_or_throw(parse_json(
            value_or_throw(read_file(Path(HONE_SOURCE_DIR) / "docs" / "schemas" / (name + ".json"))), name))) {}

  std::string misfit(const Json& value) const { return misfit(value, root_, "$"); }
  std::string misfit_of(const Json& value, const std::string& definition) const {
    return misfit(value, root_["$defs"][definition], definition);
  }

 private:
  std::string misfit(const Json& value, const Json& schema, const std::string& place) const {
    if (schema.contains("$ref")) {
      return misfit(value, root_.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))), place);
    }
    if (schema.contains("anyOf")) {
      for (const Json& option : schema["anyOf"]) {
        if (misfit(value, option, place).empty()) return {};
      }
      return place + ": fits none";
    }
    if (schema.contains("enum")) {
      const Json& values = schema["enum"];
      if (std::find(values.begin(), values.end(), value) == values.end()) return place + ": not listed";
    }
    if (schema.contains("type") && !has_type(value, schema["type"].get<std::string>())) return place + ": wrong type";
    if (value.is_object()) return object_misfit(value, schema, place);
    if (value.is_array() && schema.contains("items")) {
      for (const Json& item : value) {
        if (std::string bad = misfit(item, schema["items"], place + "[]"); !bad.empty()) return bad;
      }
    }
    return {};
  }

  std::string object_misfit(const Json& value, const Json& schema, const std::string& place) const {
    for (const Json& key : schema.value("required", Json::array())) {
      if (!value.contains(key.get<std::string>())) return place + ": lacks " + key.get<std::string>();
    }
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [key, item] : value.items()) {
      const bool is_named = properties.contains(key);
      if (!is_named && !schema.contains("additionalProperties")) continue;
      const Json& inner = is_named ? properties[key] : schema["additionalProperties"];
      if (inner == false) return place + ": unexpected " + key;
      if (std::string bad = misfit(item, inner, place + "." + key); !bad.empty()) return bad;
    }
    return {};
  }

  static bool has_type(const Json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    return (type == "number" && value.is_number()) || (type == "string" && value.is_string()) ||
           (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "boolean" && value.is_boolean()) || (type == "null" && value.is_null());
  }

  Json root_;
};

struct Example {
  Example() {
    task.labels = {"a", "b"};
    task.metric = "macro_f1";
    for (int i = 0; i < 60; ++i) {
      eval::ScoredRow row;
      row.id = std::to_string(i);
      row.gold = task.labels[static_cast<std::size_t>(i % 2)];
      row.answer = i % 7 == 0 ? "abstain" : row.gold;
      row.source = "mail";
      tuned.test.push_back(row);
      row.answer = "a";
      untuned.test.push_back(row);
    }
    tuned.name = "fine-tuned";
    tuned.kind = eval::ContenderKind::tuned;
    tuned.latency = {1, 2, 100};
    untuned.name = "plain classifier";
    untuned.kind = eval::ContenderKind::ngram;
    tuned.test_metrics = eval::measure(tuned.test, task, 1);
    untuned.test_metrics = eval::measure(untuned.test, task, 1);
  }
  data::Task task;
  eval::ContenderResult tuned, untuned;
};

TEST(Schemas, ComparisonFits) {
  const Example example;
  const auto comparison = value_or_throw(eval::compare(example.tuned.test, example.untuned.test, example.task, 1));
  const Checker checker("compare");
  Json json = eval::to_json(comparison);
  EXPECT_EQ(checker.misfit(json), "");
  json["verdict"] = "perhaps";
  EXPECT_NE(checker.misfit(json), "");
}

TEST(Schemas, ContendersAndMetricsFit) {
  const Example example;
  const Checker checker("solve");
  for (const eval::ContenderResult* contender : {&example.tuned, &example.untuned}) {
    EXPECT_EQ(checker.misfit_of(eval::to_json(*contender), "contender"), "");
    EXPECT_EQ(checker.misfit_of(eval::named_json(contender->test_metrics), "metrics"), "");
    EXPECT_NE(checker.misfit_of(eval::to_json(contender->test_metrics), "metrics"), "");
  }
}

TEST(Schemas, RecommendationFitsWithAndWithoutABreakEven) {
  const Example example;
  const Checker checker("solve");
  decide::DecisionInput input;
  input.task = &example.task;
  input.prices = decide::built_in_prices();
  EXPECT_EQ(checker.misfit_of(decide::to_json(decide::choose(input)), "recommendation"), "");
  input.contenders = {example.untuned, example.tuned};
  input.contenders[1].mean_prompt_tokens = 80;
  input.best_tuned = "fine-tuned";
  input.best_untuned = "plain classifier";
  input.primary = value_or_throw(eval::compare(example.tuned.test, example.untuned.test, example.task, 1));
  const Json json = decide::to_json(decide::choose(input));
  EXPECT_TRUE(json["break_even"]["requests_per_month"].is_number());
  EXPECT_EQ(checker.misfit_of(json, "recommendation"), "");
  EXPECT_EQ(checker.misfit_of(eval::to_json(*input.primary), "comparison"), "");
}

TEST(Schemas, FindingsFit) {
  const Example example;
  diagnose::RunEvidence evidence;
  evidence.task = &example.task;
  evidence.validation_rows = example.untuned.test;  // always "a"
  for (int i = 1; i <= 30; ++i) {
    train::StepEvent step;
    step.step = i;
    step.loss = i == 20 ? std::numeric_limits<double>::infinity() : 0.7;
    step.learning_rate = 1e-3;
    evidence.steps.push_back(step);
  }
  Json findings = Json::array();
  for (const data::Finding& finding : diagnose::diagnose(evidence)) findings.push_back(data::to_json(finding));
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(Checker("diagnose").misfit({{"findings", findings}}), "");
}

}  // namespace
}  // namespace hone::report
