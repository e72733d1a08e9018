#include "data/task.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/task_json.h"

namespace hone::data {
namespace {

constexpr const char* whole_task = R"(
[task]
name = "guard"
kind = "classify"
instruction = "Say whether the prompt is \"malicious\" or benign.\nBe strict."
labels = ["malicious", "benign"]
positive = "malicious"
abstain = true
metric = "mcc"
target = 0.9
margin = 0.03

[data]
train = "train.jsonl"
validation = "more/valid.csv"
test = "/elsewhere/test.jsonl"
input = "text"
output = "label"
id = "key"
group = "thread"
source = "family"

[circumstances]
requests_per_month = 100000
latency_ms = 250.5
private = true
changes = "weekly"
compare_price = "some-model"

[model]
base = "smollm2-135m"

[run]
seed = 7
)";

std::string error_of(const std::string& toml) {
  const Result<Task> task = parse_task(toml, "/folder/hone.toml");
  return task ? "accepted" : task.error().message;
}

TEST(Task, EveryKeyIsRead) {
  const Result<Task> task = parse_task(whole_task, "/folder/hone.toml");
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->name, "guard");
  EXPECT_EQ(task->kind, Kind::classify);
  EXPECT_EQ(task->instruction, "Say whether the prompt is \"malicious\" or benign.\nBe strict.");
  EXPECT_EQ(task->labels, (std::vector<std::string>{"malicious", "benign"}));
  EXPECT_EQ(task->positive, "malicious");
  EXPECT_TRUE(task->abstain);
  EXPECT_EQ(task->metric, "mcc");
  EXPECT_EQ(task->target, 0.9);
  EXPECT_EQ(task->margin, 0.03);
  EXPECT_EQ(task->data.train, "/folder/train.jsonl");
  EXPECT_EQ(task->data.validation, "/folder/more/valid.csv");
  EXPECT_EQ(task->data.test, "/elsewhere/test.jsonl");
  EXPECT_EQ(task->data.input, "text");
  EXPECT_EQ(task->data.output, "label");
  EXPECT_EQ(task->data.id, "key");
  EXPECT_EQ(task->data.group, "thread");
  EXPECT_EQ(task->data.source, "family");
  EXPECT_EQ(task->circumstances.requests_per_month, 100000);
  EXPECT_EQ(task->circumstances.latency_ms, 250.5);
  EXPECT_TRUE(task->circumstances.is_private);
  EXPECT_EQ(task->circumstances.changes, "weekly");
  EXPECT_EQ(task->circumstances.compare_price, "some-model");
  EXPECT_EQ(task->model, "smollm2-135m");
  EXPECT_EQ(task->seed, 7U);
}

TEST(Task, TextAndJsonGiveTheTaskBack) {
  const Task task = *parse_task(whole_task, "/folder/hone.toml");
  const Result<Task> from_text = parse_task(task_text(task), task.file);
  ASSERT_TRUE(from_text) << from_text.error().message;
  EXPECT_EQ(to_json(*from_text), to_json(task));
  EXPECT_EQ(from_text->data.train, task.data.train);
  const Result<Task> from_json = task_from_json(to_json(task));
  ASSERT_TRUE(from_json) << from_json.error().message;
  EXPECT_EQ(to_json(*from_json), to_json(task));
  EXPECT_EQ(to_json(task)["data"]["train"], "train.jsonl");
}

TEST(Task, OnlyLabelsCanBeLeftUnlisted) {
  const std::string json_task =
      "[task]\nkind = \"json\"\ninstruction = \"Give the slots.\"\nlist_labels = false\n[data]\ntrain = \"t.jsonl\"\n";
  EXPECT_NE(error_of(json_task).find("hone.toml:4: list_labels: only tasks of kind \"classify\" have labels to list"),
            std::string::npos)
      << error_of(json_task);
}

TEST(Task, ADamagedRecordIsAnError) {
  Json json = to_json(*parse_task(whole_task, "/folder/hone.toml"));
  json["metric"] = "f2";
  EXPECT_NE(task_from_json(json).error().message.find("metric: expected one of macro_f1, accuracy, mcc"),
            std::string::npos);
  json.erase("labels");
  EXPECT_NE(task_from_json(json).error().message.find("labels"), std::string::npos);
  EXPECT_FALSE(task_from_json(Json::array()));
}

TEST(Task, DefaultsFitTheKind) {
  const Result<Task> task = parse_task(
      "[task]\nkind = \"text\"\ninstruction = \"Translate.\"\n[data]\ntrain = \"a.csv\"\n", "/data/french/hone.toml");
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->name, "french");
  EXPECT_EQ(task->metric, "chrf");
  EXPECT_EQ(task->data.input, "input");
  EXPECT_FALSE(task->data.test);
  EXPECT_EQ(task->seed, 1U);
}

// One wrong line put into a right task, and what the message must hold, its line included.
struct WrongLine {
  const char* replaced;
  const char* by;
  std::vector<const char*> expected;
};

TEST(Task, EveryWrongKeyOrValueIsNamedWithItsLine) {
  const std::vector<WrongLine> cases = {
      {"metric = \"mcc\"",
       "metrics = \"mcc\"",
       {"hone.toml:9:", "unknown key \"metrics\" in [task]", "did you mean \"metric\""}},
      {"[circumstances]",
       "[circumstance]",
       {"hone.toml:23:", "unknown section [circumstance]", "did you mean \"circumstances\""}},
      {"metric = \"mcc\"", "seed = 3", {"unknown key \"seed\" in [task]; it belongs in [run]"}},
      {"[task]", "kind = \"json\"\n[task]", {"\"kind\" stands outside its section", "[task]"}},
      {"kind = \"classify\"", "kind = \"classification\"", {"hone.toml:4:", "\"classify\"", "\"classification\""}},
      {"labels = [\"malicious\", \"benign\"]",
       "labels = \"benign\"",
       {"hone.toml:6:", "task.labels: expected an array", "found a text"}},
      {"labels = [\"malicious\", \"benign\"]",
       "labels = [\"malicious\", 3]",
       {"task.labels: expected texts in quotes", "a whole number"}},
      {"labels = [\"malicious\", \"benign\"]", "labels = [\"malicious\"]", {"at least two"}},
      {"labels = [\"malicious\", \"benign\"]", "labels = [\"malicious\", \"malicious\"]", {"stands there twice"}},
      {"labels = [\"malicious\", \"benign\"]",
       "labels = [\"malicious\", \" benign\"]",
       {"white space", "write \"benign\""}},
      {"labels = [\"malicious\", \"benign\"]",
       "labels = [\"malicious\", \"abstain\"]",
       {"\"abstain\" is added by itself"}},
      {"positive = \"malicious\"",
       "positive = \"malicous\"",
       {"hone.toml:7:", "none of the labels", "did you mean \"malicious\""}},
      {"abstain = true", "abstain = \"yes\"", {"task.abstain: expected true or false, found a text"}},
      {"metric = \"mcc\"", "metric = \"chrf\"", {"expected one of macro_f1, accuracy, mcc", "\"chrf\""}},
      {"target = 0.9", "target = 90", {"hone.toml:10:", "0.9 for 90 %", "found 90"}},
      {"margin = 0.03", "margin = 2", {"margin: expected a share", "found 2"}},
      {"train = \"train.jsonl\"", "", {"train: missing in [data]"}},
      {"train = \"train.jsonl\"", "train = \"\"", {"data.train: the file name is empty"}},
      {"output = \"label\"", "output = \"text\"", {"the same column as input"}},
      {"latency_ms = 250.5", "latency_ms = 0", {"latency_ms: expected milliseconds above 0"}},
      {"requests_per_month = 100000", "requests_per_month = -1", {"requests_per_month: expected 0 or more"}},
      {"changes = \"weekly\"", "changes = \"daily\"", {"never, rarely, monthly, weekly", "\"daily\""}},
      {"private = true", "private = 1", {"circumstances.private: expected true or false, found a whole number"}},
      {"seed = 7", "seed = -7", {"run.seed: expected a whole number, 0 or more"}},
      {"seed = 7", "seed = ", {"hone.toml:", "not valid TOML"}},
      {"instruction = ", "instruction = \"\"\n# ", {"instruction: missing"}},
  };
  for (const WrongLine& wrong : cases) {
    std::string toml = whole_task;
    const std::size_t at = toml.find(wrong.replaced);
    ASSERT_NE(at, std::string::npos) << wrong.replaced;
    const std::string message = error_of(toml.replace(at, std::string(wrong.replaced).size(), wrong.by));
    for (const char* expected : wrong.expected) {
      EXPECT_NE(message.find(expected), std::string::npos)
          << wrong.by << "\n  expected: " << expected << "\n  came: " << message;
    }
  }
}

TEST(Task, AllProblemsAreListedInFileOrder) {
  const std::string message =
      error_of("[task]\nkind = \"json\"\nlabels = [\"a\", \"b\"]\nmargin = \"x\"\n[data]\ntran = \"a.csv\"\n");
  const std::size_t labels = message.find("hone.toml:3: labels: only tasks");
  const std::size_t margin = message.find("hone.toml:4: task.margin: expected a number");
  const std::size_t train = message.find("hone.toml:6: unknown key \"tran\" in [data]; did you mean \"train\"?");
  ASSERT_NE(labels, std::string::npos) << message;
  ASSERT_NE(margin, std::string::npos) << message;
  ASSERT_NE(train, std::string::npos) << message;
  EXPECT_LT(labels, margin);
  EXPECT_LT(margin, train);
}

std::string json_task(const std::string& schema) {
  return "[task]\nkind = \"json\"\ninstruction = \"Say who.\"\n" + schema + "\n[data]\ntrain = \"train.jsonl\"\n";
}

class TaskSchema : public testing::Test {
 protected:
  TaskSchema() : folder_(std::filesystem::temp_directory_path() / fmt::format("hone_task_schema_{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~TaskSchema() override { std::filesystem::remove_all(folder_); }

  // The error of a task whose schema file holds this.
  std::string error_of_file(const std::string& schema) {
    write_file(folder_ / "schema.json", schema);
    const Result<Task> task = parse_task(json_task("schema = \"schema.json\""), folder_ / "hone.toml");
    return task ? "accepted" : task.error().message;
  }

  Path folder_;
};

TEST_F(TaskSchema, AFileATableAndTextSayTheSame) {
  write_file(folder_ / "schema.json", R"({"type":"object","properties":{"n":{"type":"integer","maximum":3}}})");
  const char* forms[] = {
      "schema = \"schema.json\"",
      "[task.schema]\ntype = \"object\"\n[task.schema.properties.n]\ntype = \"integer\"\nmaximum = 3",
      R"(schema = '{"type":"object","properties":{"n":{"type":"integer","maximum":3}}}')"};
  for (const char* form : forms) {
    const Result<Task> task = parse_task(json_task(form), folder_ / "hone.toml");
    ASSERT_TRUE(task) << form << "\n" << task.error().message;
    EXPECT_EQ(nlohmann::json::parse(task->schema),
              nlohmann::json::parse(R"({"type":"object","properties":{"n":{"type":"integer","maximum":3}}})"));
    EXPECT_TRUE(task->constrain);
    // A record needs no file.
    std::filesystem::remove(folder_ / "schema.json");
    const Result<Task> recorded = task_from_json(to_json(*task));
    ASSERT_TRUE(recorded) << recorded.error().message;
    EXPECT_EQ(recorded->schema, task->schema);
    const Result<Task> again = parse_task(task_text(*task), task->file);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->schema, task->schema);
  }
}

TEST_F(TaskSchema, WhatCannotBeEnforcedNamesFileLineKeywordAndPlace) {
  const std::pair<std::string, const char*> cases[] = {
      {R"({"$ref":"https://example.org/s.json"})", "$ref at #"},
      {R"({"type":"object","type":"array"})", "twice"},
      {R"({"type":"string","minLength":3,"maxLength":1})", "no value satisfies"},
      {R"({"properties":{"a":{"maxlength":3}}})", "unknown keyword \"maxlength\" at #/properties/a"},
      {R"({"pattern":"((a{1,100}){1,100}){1,100}"})", "pattern at #"},
      {R"({"pattern":"^(a+)+$"})", ""},
      {R"({"enum":[")" + std::string(10'000'000, 'a') + R"("]})", "at most 2000000"},
      {R"({"type":"array","uniqueItems":true})", "uniqueItems at #"},
      {"{", "not valid JSON"},
      {"", "is empty"},
  };
  for (const auto& [schema, expected] : cases) {
    const Stopwatch watch;
    const std::string message = error_of_file(schema);
    EXPECT_LT(watch.seconds(), 1) << schema.substr(0, 80);
    if (*expected == '\0') continue;  // whatever it is, it comes at once
    EXPECT_NE(message.find("hone.toml:4: "), std::string::npos) << message.substr(0, 400);
    EXPECT_NE(message.find(expected), std::string::npos) << message.substr(0, 400);
  }
}

TEST_F(TaskSchema, OnlyJsonTasksHaveOne) {
  EXPECT_NE(error_of("[task]\nkind = \"text\"\nschema = '{}'\n").find("hone.toml:3: schema: only tasks of kind"),
            std::string::npos);
  EXPECT_NE(error_of(json_task("constrain = false")).find("constrain: only tasks with a schema"), std::string::npos);
  EXPECT_NE(error_of(json_task("schema = 3")).find("task.schema: expected a file name"), std::string::npos);
  EXPECT_NE(error_of(json_task("schema = \"nowhere.json\"")).find("nowhere.json"), std::string::npos);
  EXPECT_NE(error_of(json_task("[task.schema]\nmaximum = inf")).find("which JSON has not"), std::string::npos);
}

TEST(Task, ATaskThatIsNotUtf8IsRefused) {
  EXPECT_NE(error_of("[task]\nname = \"\xff\"\n").find("not UTF-8"), std::string::npos);
}

TEST(Task, AMissingFileNamesTheCommandThatWritesOne) {
  EXPECT_NE(load_task("/nowhere/at/all").error().message.find("hone init"), std::string::npos);
}

TEST(Task, TextsSurviveTomlWhateverTheyHold) {
  Task task = *parse_task(whole_task, "/folder/hone.toml");
  task.instruction = "a \"b\" \\ c\n\ttab \x01 \x7f é 😀 '''";
  const Result<Task> again = parse_task(task_text(task), task.file);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->instruction, task.instruction);
}

}  // namespace
}  // namespace hone::data
