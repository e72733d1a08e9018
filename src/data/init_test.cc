#include "data/init.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "data/init_idea.h"
#include "data/row.h"
#include "data/split.h"
#include "data/task.h"

namespace hone::data {
namespace {

class Init : public testing::Test {
 protected:
  Init() : folder_(std::filesystem::temp_directory_path() / fmt::format("hone_init_{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~Init() override { std::filesystem::remove_all(folder_); }

  // Writes the file, and its task as `hone init` would; every row must then be readable.
  Task task_of(const std::string& name, const std::string& bytes) {
    write_file(folder_ / name, bytes);
    last_ = value_or_throw(init_task(folder_ / name, folder_));
    write_file(folder_ / "hone.toml", last_.toml);
    Task task = value_or_throw(load_task(folder_));
    const Imported imported = value_or_throw(import_rows(task.data.train, task));
    EXPECT_TRUE(imported.rejected.empty()) << last_.toml;
    Json memory;
    const Split split = split_rows({imported.rows, {}, {}}, task, memory);
    EXPECT_EQ(split.train.size() + split.validation.size() + split.test.size(), imported.rows.size());
    return task;
  }

  Path folder_;
  InitResult last_;
};

std::string labelled_rows(int n) {
  std::string rows;
  for (int i = 0; i < n; ++i)
    rows += fmt::format("\"message number {}, as it came\",{}\n", i, i % 3 == 0 ? "spam" : "ham");
  return rows;
}

TEST_F(Init, ACsvOfLabelsBecomesAClassifyTask) {
  const Task task = task_of("mails.csv", "text,category\n" + labelled_rows(30));
  EXPECT_EQ(task.kind, Kind::classify);
  EXPECT_EQ(task.name, "mails");
  EXPECT_EQ(task.data.input, "text");
  EXPECT_EQ(task.data.output, "category");
  EXPECT_EQ(task.labels, (std::vector<std::string>{"ham", "spam"}));
  EXPECT_EQ(task.positive, "spam");
  EXPECT_EQ(task.metric, "macro_f1");
  EXPECT_NE(task.instruction.find("ham, spam"), std::string::npos);
  for (const char* key : {"input", "output", "kind", "labels", "positive", "instruction"}) {
    const std::size_t line = last_.toml.find(std::string("\n") + key + " = ");
    ASSERT_NE(line, std::string::npos) << key;
    const std::size_t before = last_.toml.rfind('\n', line - 1);
    EXPECT_EQ(last_.toml[before + 1], '#') << "no comment above " << key << "\n" << last_.toml;
  }
}

TEST_F(Init, ColumnsWithUnknownNamesAreGuessedFromWhatTheyHold) {
  std::string rows = "wert;beschreibung;nr\n";
  for (int i = 0; i < 20; ++i)
    rows += fmt::format("{};ein ganzer Satz mit der Nummer {};{}\n", i % 2 == 0 ? "ja" : "nein", i, i);
  const Task task = task_of("daten.csv", rows);
  EXPECT_EQ(task.data.input, "beschreibung");
  EXPECT_EQ(task.data.output, "wert");
  EXPECT_EQ(task.labels.size(), 2U);
}

TEST_F(Init, JsonAnswersBecomeAJsonTask) {
  std::string rows;
  for (int i = 0; i < 10; ++i)
    rows += fmt::format("{{\"id\": {}, \"query\": \"play {}\", \"answer\": {{\"n\": {}}}}}\n", i, i, i);
  const Task task = task_of("rows.jsonl", rows);
  EXPECT_EQ(task.kind, Kind::json);
  EXPECT_EQ(task.metric, "exact");
  EXPECT_EQ(task.data.id, "id");
  EXPECT_EQ(task.data.input, "query");
  EXPECT_TRUE(task.labels.empty());
}

TEST_F(Init, AnswersThatDifferBecomeATextTask) {
  std::string rows;
  for (int i = 0; i < 30; ++i) {
    rows += fmt::format(
        "{{\"input\": \"sentence {}\", \"output\": \"a long enough answer, number {}\", \"family\": \"f\"}}\n", i, i);
  }
  const Task task = task_of("rows.jsonl", rows);
  EXPECT_EQ(task.kind, Kind::text);
  EXPECT_EQ(task.metric, "chrf");
  EXPECT_EQ(task.data.source, "family");
}

TEST_F(Init, ATestFileBesideIsUsedAndItsLabelsAreKnown) {
  write_file(folder_ / "test.csv", "text,label\nsome text,eggs\n");
  const Task task = task_of("train.csv", "text,label\n" + labelled_rows(30));
  EXPECT_EQ(task.data.test, (folder_ / "test.csv").lexically_normal());
  EXPECT_EQ(task.labels, (std::vector<std::string>{"ham", "spam", "eggs"}));
}

TEST_F(Init, RepeatedIdsAreNotTakenAsIds) {
  std::string rows = "id,text,label\n";
  for (int i = 0; i < 12; ++i) rows += fmt::format("{},text {},{}\n", i / 2, i, i % 2 == 0 ? "x" : "y");
  EXPECT_EQ(task_of("rows.csv", rows).data.id, "");
}

TEST_F(Init, AFileThatCannotBecomeATaskSaysWhy) {
  const auto error = [&](const std::string& bytes) {
    write_file(folder_ / "bad.csv", bytes);
    const auto result = init_task(folder_ / "bad.csv", folder_);
    return result ? "accepted: " + result->toml : result.error().message;
  };
  EXPECT_NE(error("text\nonly one column\n").find("expected two columns"), std::string::npos);
  EXPECT_NE(error("text,label\n").find("no rows"), std::string::npos);
  EXPECT_NE(error("text,label\na,same\nb,same\n").find("at least two different"), std::string::npos);
  EXPECT_NE(init_task(folder_ / "none.csv", folder_).error().message.find("none.csv"), std::string::npos);
}

TEST_F(Init, SeveralLabelsARowBecomeASchema) {
  std::string rows;
  for (int i = 0; i < 12; ++i) {
    rows += fmt::format("{{\"input\": \"mail {}\", \"output\": [{}]}}\n", i,
                        i % 3 == 0   ? ""
                        : i % 3 == 1 ? "\"billing\""
                                     : "\"billing\", \"urgent\"");
  }
  const Task task = task_of("rows.jsonl", rows);
  EXPECT_EQ(task.kind, Kind::json);
  EXPECT_EQ(task.schema, R"({"type":"array","items":{"enum":["billing","urgent"]}})");
}

TEST_F(Init, GradesStandInTheirOrder) {
  std::string rows = "text,label\n";
  for (int i = 0; i < 40; ++i) rows += fmt::format("review {},{}\n", i, i % 5 == 0 ? 10 : i % 5);
  EXPECT_EQ(task_of("rows.csv", rows).labels, (std::vector<std::string>{"1", "2", "3", "4", "10"}));
}

TEST_F(Init, ChatsGiveTheirSystemPromptAsInstruction) {
  std::string rows;
  for (int i = 0; i < 20; ++i) {
    rows += fmt::format(
        R"({{"messages": [{{"role": "system", "content": "Say how it ends."}}, {{"role": "user", "content": "story {0}"}}, )"
        R"({{"role": "assistant", "content": "and so it ended, for the {0}th time, quite well"}}]}})"
        "\n",
        i);
  }
  const Task task = task_of("chats.jsonl", rows);
  EXPECT_EQ(task.kind, Kind::text);
  EXPECT_EQ(task.instruction, "Say how it ends.");
}

TEST_F(Init, AlpacaRowsAreReadByATemplate) {
  std::string rows;
  for (int i = 0; i < 20; ++i) {
    rows +=
        fmt::format(R"({{"instruction": "Write about {0}.", "input": "{1}", "output": "A text that is about {0}."}})"
                    "\n",
                    i, i % 2 == 0 ? "" : "briefly");
  }
  const Task task = task_of("alpaca.jsonl", rows);
  EXPECT_EQ(task.data.input, "{instruction}\n\n{input}");
  EXPECT_EQ(value_or_throw(import_rows(task.data.train, task)).rows[1].input, "Write about 1.\n\nbriefly");
}

TEST_F(Init, AnIdeaBecomesATaskFileAndTenCases) {
  for (const auto& [idea, kind] : {std::pair("Sort support mails by urgency", Kind::classify),
                                   std::pair("Extract the order number as JSON", Kind::json),
                                   std::pair("Write a reply to a \"complaint\"", Kind::text)}) {
    const IdeaResult result = init_idea(idea);
    const Task task = value_or_throw(parse_task(result.toml, folder_ / "hone.toml"));
    EXPECT_EQ(task.kind, kind) << idea;
    EXPECT_EQ(task.instruction, idea);
    EXPECT_EQ(result.verdict, "prompt for now");
    write_file(task.data.train, result.cases);
    const Imported imported = value_or_throw(import_rows(task.data.train, task));
    EXPECT_EQ(imported.rejected.size(), 10U);
    EXPECT_EQ(imported.rejected[0].reason, "empty");
  }
}

TEST_F(Init, LabelsThatLookMisspeltAreNoted) {
  task_of("mails.csv", "text,label\n" + labelled_rows(60) + "one more,hams\nand more,spamm\n");
  const bool noted = std::any_of(last_.notes.begin(), last_.notes.end(),
                                 [](const std::string& note) { return note.find("\"spamm\"") != std::string::npos; });
  EXPECT_TRUE(noted);
}

}  // namespace
}  // namespace hone::data
