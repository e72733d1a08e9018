#include <gtest/gtest.h>
#include <unistd.h>

#include "base/hash.h"
#include "data/normal_text.h"
#include "data/row.h"
#include "data/task_rows.h"

namespace hone::data {
namespace {

class Import : public testing::Test {
 protected:
  Import() : folder_(std::filesystem::temp_directory_path() / fmt::format("hone_import_{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
    task_.labels = {"malicious", "benign"};
  }
  ~Import() override { std::filesystem::remove_all(folder_); }

  Result<Imported> read(const std::string& name, const std::string& bytes) {
    write_file(folder_ / name, bytes);
    return import_rows(folder_ / name, task_);
  }
  Imported jsonl(const std::string& bytes) { return value_or_throw(read("rows.jsonl", bytes)); }
  Imported csv(const std::string& bytes) { return value_or_throw(read("rows.csv", bytes)); }

  // Reads one bad line between two good ones: the good ones must be kept.
  Rejected one_bad_line(const std::string& bad) {
    const Imported imported = jsonl("{\"input\": \"a\", \"output\": \"benign\"}\n" + bad +
                                    "\n{\"input\": \"b\", \"output\": \"malicious\"}\n");
    EXPECT_EQ(imported.rows.size(), 2U) << bad;
    if (imported.rejected.size() != 1) {
      ADD_FAILURE() << imported.rejected.size() << " rejected for " << bad;
      return {};
    }
    EXPECT_EQ(imported.rejected[0].line, 2U);
    EXPECT_EQ(imported.rejected[0].file, "rows.jsonl");
    return imported.rejected[0];
  }

  Path folder_;
  Task task_;
};

void expect_holds(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "expected: " << part << "\ncame: " << text;
}

TEST_F(Import, OneBadLineCostsOnlyItself) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"{\"input\": \"x\", \"output\": ", "malformed", "not valid JSON: parse error at column 26"},
      {"[1, 2]", "malformed", "expected a JSON object"},
      {"{\"input\": \"x\", \"output\": \"Malicous\"}", "unknown-label", "did you mean \"malicious\"?"},
      {"{\"input\": \" \\n \", \"output\": \"benign\"}", "empty", "\"input\" holds no text"},
      {"{\"input\": null, \"output\": \"benign\"}", "empty", "\"input\" is null"},
      {"{\"input\": \"x\", \"output\": \"\"}", "empty", "\"output\" holds no text"},
      {"{\"input\": \"" + std::string(1'000'000, 'x') + "\", \"output\": \"benign\"}", "too-long",
       "1000000 bytes long"},
      {"{\"input\": \"x\xff\", \"output\": \"benign\"}", "not-utf8", "byte 0xFF at position 13"},
      {"{\"input\": \"x\\u0000y\", \"output\": \"benign\"}", "nul", "NUL"},
      {std::string("{\"input\": \"x") + '\0' + "\", \"output\": \"benign\"}", "nul", "NUL"},
      {"{\"output\": \"benign\"}", "missing-column", "\"input\" is missing"},
      {"{\"input\": \"x\", \"output\": \"benign\", \"input\": \"y\"}", "duplicate-key", "\"input\" stands there twice"},
      {"{\"input\": \"x\", \"output\": [\"benign\"]}", "wrong-type", "expected a label, found an object or array"},
      {"{\"input\": \"\\ud800\", \"output\": \"benign\"}", "malformed", "not valid JSON"},
      {std::string(3000, '['), "malformed", "nested deeper"},
  };
  for (const auto& [line, reason, why] : cases) {
    const Rejected rejected = one_bad_line(line);
    EXPECT_EQ(rejected.reason, reason) << line.substr(0, 80);
    expect_holds(rejected.why, why);
  }
}

TEST_F(Import, AnInputOfOneByteLessThanTheLimitIsKept) {
  EXPECT_EQ(jsonl("{\"input\": \"" + std::string(too_long_bytes - 1, 'x') + "\", \"output\": \"benign\"}").rows.size(),
            1U);
}

TEST_F(Import, JsonValuesBecomeText) {
  task_.labels = {"1", "true", "no"};
  const Imported labels = jsonl(
      "{\"input\": 5, \"output\": 1}\n{\"input\": {\"a\": [1, \"é\"]}, \"output\": true}\n"
      "{\"input\": \"a:b {\\\"c\\\": 1}\", \"output\": \" no \"}");
  ASSERT_EQ(labels.rows.size(), 3U);
  EXPECT_EQ(labels.rows[0].input, "5");
  EXPECT_EQ(labels.rows[0].output, "1");
  EXPECT_EQ(labels.rows[1].input, "{\"a\":[1,\"é\"]}");
  EXPECT_EQ(labels.rows[1].output, "true");
  EXPECT_EQ(labels.rows[2].output, "no");
  task_.kind = Kind::json;
  task_.labels.clear();
  const Imported documents = jsonl(
      "{\"input\": \"a\", \"output\": {\"intent\": \"x\", \"n\": 1}}\n"
      "{\"input\": \"b\", \"output\": \"{\\\"intent\\\": 2}\"}\n"
      "{\"input\": \"c\", \"output\": \"{broken\"}");
  ASSERT_EQ(documents.rows.size(), 2U);
  EXPECT_EQ(documents.rows[0].output, "{\"intent\":\"x\",\"n\":1}");
  EXPECT_EQ(documents.rows[1].output, "{\"intent\": 2}");
  ASSERT_EQ(documents.rejected.size(), 1U);
  EXPECT_EQ(documents.rejected[0].reason, "not-json");
}

TEST_F(Import, NumbersStayAsTheyAreWritten) {
  task_.kind = Kind::text;
  task_.labels.clear();
  task_.data.id = "id";
  const Imported imported = jsonl(
      "{\"id\": 123456789012345678901, \"input\": 1.50, \"output\": 0.10}\n"
      "{\"id\": 123456789012345678902, \"input\": -7, \"output\": 1e5}\n"
      "{\"id\": 18446744073709551615, \"input\": {\"a\" : [0.10, {\"b\": 2.0, \"c\": null}, true, \"x\\ny\"], \"d\": "
      "[]}, "
      "\"output\": \"2.50\"}");
  ASSERT_EQ(imported.rows.size(), 3U) << (imported.rejected.empty() ? "" : imported.rejected[0].why);
  EXPECT_EQ(imported.rows[0].id, "123456789012345678901");
  EXPECT_EQ(imported.rows[1].id, "123456789012345678902") << "two long ids are two rows";
  EXPECT_EQ(imported.rows[2].id, "18446744073709551615");
  EXPECT_EQ(imported.rows[0].input, "1.50");
  EXPECT_EQ(imported.rows[0].output, "0.10");
  EXPECT_EQ(imported.rows[1].input, "-7");
  EXPECT_EQ(imported.rows[1].output, "1e5");
  EXPECT_EQ(imported.rows[2].input, R"({"a":[0.10,{"b":2.0,"c":null},true,"x\ny"],"d":[]})");
  EXPECT_EQ(imported.rows[2].output, "2.50");
}

TEST_F(Import, ByteOrderMarkWindowsLineEndsAndBlankLinesAreNoRows) {
  const Imported imported = jsonl(
      "\xEF\xBB\xBF{\"input\": \"a\", \"output\": \"benign\"}\r\n\r\n  \n{\"input\": \"b\", \"output\": \"benign\"}");
  ASSERT_EQ(imported.rows.size(), 2U);
  EXPECT_TRUE(imported.rejected.empty());
  EXPECT_EQ(imported.rows[1].line, 4U);
}

TEST_F(Import, IdsAreTheHashOfTheCanonicalInputAndAnOrdinal) {
  // The second input is the first with other white space and the é decomposed.
  const Imported imported = jsonl(
      "{\"input\": \"caf\\u00e9 au lait\", \"output\": \"benign\"}\n"
      "{\"input\": \"  cafe\\u0301\\n au\\tlait \", \"output\": \"benign\"}\n"
      "{\"input\": \"Caf\\u00e9 au lait\", \"output\": \"benign\"}");
  ASSERT_EQ(imported.rows.size(), 3U);
  const std::string hash = sha256_hex("caf\xC3\xA9 au lait").substr(0, 16);
  EXPECT_EQ(imported.rows[0].id, hash + "-1");
  EXPECT_EQ(imported.rows[1].id, hash + "-2");
  EXPECT_NE(imported.rows[2].id.substr(0, 16), hash);
}

TEST_F(Import, OtherColumnsAreTakenByName) {
  task_.data.id = "key";
  task_.data.group = "thread";
  const Imported imported = jsonl(
      "{\"key\": 17, \"input\": \"a\", \"output\": \"benign\", \"thread\": \"t\", \"source\": \"s\", \"rationale\": "
      "\"r\"}\n"
      "{\"key\": \"x\", \"input\": \"a\", \"output\": \"benign\"}");
  ASSERT_EQ(imported.rows.size(), 2U);
  EXPECT_EQ(imported.rows[0].id, "17");
  EXPECT_EQ(imported.rows[0].group, "t");
  EXPECT_EQ(imported.rows[0].source, "s");
  EXPECT_EQ(imported.rows[0].rationale, "r");
  EXPECT_EQ(imported.rows[1].group, "");
}

TEST_F(Import, DuplicateIdsNameBothLines) {
  task_.data.id = "key";
  const Result<Imported> imported = read("rows.csv", "key,input,output\n1,a,benign\n2,b,benign\n1,c,benign\n");
  ASSERT_FALSE(imported);
  expect_holds(imported.error().message, "\"1\" stands in line 2 and in line 4");
}

TEST_F(Import, OneIdMayNotMeanTwoInputsInTwoFiles) {
  task_.data.id = "key";
  task_.data.train = folder_ / "train.csv";
  task_.data.test = folder_ / "test.csv";
  write_file(task_.data.train, "key,input,output\n1,a,benign\n2,b,benign\n");
  write_file(*task_.data.test, "key,input,output\n3,c,benign\n4,d,benign\n2,e,benign\n");
  const Result<TaskRows> clash = read_task_rows(task_);
  ASSERT_FALSE(clash);
  expect_holds(clash.error().message, "the id \"2\" stands in train.csv line 3");
  expect_holds(clash.error().message, "in test.csv line 4");
  // A copy is the split's affair; ids made by Hone are hashes of inputs, and equal for copies only.
  write_file(*task_.data.test, "key,input,output\n3,c,benign\n2, b,benign\n");
  EXPECT_TRUE(read_task_rows(task_));
  task_.data.id.clear();
  EXPECT_TRUE(read_task_rows(task_));
}

TEST_F(Import, AFileWithoutAUsableRowIsReadAndItsColumnsAreKnown) {
  task_.data.train = folder_ / "train.jsonl";
  write_file(task_.data.train, "{\"input\": \"\", \"output\": \"benign\", \"family\": 1}\nnot json\n");
  const TaskRows rows = value_or_throw(read_task_rows(task_));
  EXPECT_TRUE(rows.sides.rows.empty());
  EXPECT_EQ(rows.rejected.size(), 2U);
  EXPECT_EQ(rows.columns, (std::vector<std::string>{"input", "output", "family"}));
  Json memory;
  EXPECT_TRUE(split_rows(rows.sides, task_, memory).train.empty());
}

TEST_F(Import, AColumnMissingEverywhereFailsAndNamesWhatIsThere) {
  const Result<Imported> imported = read("rows.csv", "inputs,label\na,benign\n");
  ASSERT_FALSE(imported);
  expect_holds(imported.error().message, "no column \"input\"");
  expect_holds(imported.error().message, "inputs, label");
  expect_holds(imported.error().message, "did you mean input = \"inputs\"?");
  EXPECT_FALSE(read("rows.jsonl", "{\"input\": \"a\"}\n{\"input\": \"b\"}\n"));
}

TEST_F(Import, AFileThatCannotBeReadIsNamed) {
  expect_holds(import_rows(folder_ / "none.jsonl", task_).error().message, "none.jsonl");
  expect_holds(read("rows.xlsx", "PK").error().message, "as a zip file");
  expect_holds(read("rows.xls", "PK").error().message, "save the sheet as .xlsx or CSV");
  expect_holds(read("rows.jsonl", "[{\"input\": 1}]").error().message, "a JSON array");
  expect_holds(read("rows.csv", "").error().message, "empty");
  expect_holds(read("rows.csv", std::string("\xFF\xFEi\0n\0", 6)).error().message, "UTF-16");
  expect_holds(read("rows.csv", "input,output,input\n").error().message, "two columns are named \"input\"");
}

TEST_F(Import, CsvQuotesHoldDelimitersQuotesAndLineBreaks) {
  const Imported imported = csv(
      "\xEF\xBB\xBFinput,output\r\n\"a, \"\"b\"\"\r\nc\",benign\r\nplain 5\" disk,malicious\r\n\n\"last\",\"benign\"");
  ASSERT_EQ(imported.rows.size(), 3U);
  EXPECT_TRUE(imported.rejected.empty());
  EXPECT_EQ(imported.rows[0].input, "a, \"b\"\r\nc");
  EXPECT_EQ(imported.rows[0].line, 2U);
  EXPECT_EQ(imported.rows[1].input, "plain 5\" disk");
  EXPECT_EQ(imported.rows[1].line, 4U);
  EXPECT_EQ(imported.rows[2].input, "last");
  EXPECT_EQ(imported.rows[2].line, 6U);
}

TEST_F(Import, CsvRowsThatCannotBeReadCostOnlyThemselves) {
  const Imported imported =
      csv("input,output\na,benign\nb\nc,benign,extra\n\"d\" x,benign\ne,benign\n\"never closed,benign\nf,benign\n");
  std::vector<std::string> inputs;
  for (const Row& row : imported.rows) inputs.push_back(row.input);
  EXPECT_EQ(inputs, (std::vector<std::string>{"a", "e", "f"}));
  ASSERT_EQ(imported.rejected.size(), 4U);
  EXPECT_EQ(imported.rejected[0].reason, "ragged");
  EXPECT_EQ(imported.rejected[0].line, 3U);
  expect_holds(imported.rejected[0].why, "1 fields, but the header names 2");
  EXPECT_EQ(imported.rejected[1].line, 4U);
  EXPECT_EQ(imported.rejected[2].line, 5U);
  expect_holds(imported.rejected[2].why, "text after the closing quote");
  EXPECT_EQ(imported.rejected[3].line, 7U);
  expect_holds(imported.rejected[3].why, "never closed");
}

TEST_F(Import, SemicolonAndTabFilesAreRead) {
  const Imported semicolons = csv("input;output\n\"a;b\";benign\nc, d;benign\n");
  ASSERT_EQ(semicolons.rows.size(), 2U);
  EXPECT_EQ(semicolons.rows[0].input, "a;b");
  EXPECT_EQ(semicolons.rows[1].input, "c, d");
  EXPECT_EQ(value_or_throw(read("rows.tsv", "input\toutput\na, b\tbenign\n")).rows.size(), 1U);
}

TEST_F(Import, EveryLineOfSharedDataIsARow) {
  const char* set = std::getenv("HONE_SHARED_DATA");
  const Path shared = set != nullptr ? Path(set) : Path(HONE_SOURCE_DIR) / "../shared/data";
  if (!std::filesystem::exists(shared / "banking77/train.csv")) GTEST_SKIP() << "no shared data at " << shared;
  task_.kind = Kind::text;
  task_.labels.clear();
  task_.data.input = "text";
  task_.data.output = "category";
  const Imported bank = value_or_throw(import_rows(shared / "banking77/train.csv", task_));
  EXPECT_EQ(bank.rows.size(), 10003U);
  EXPECT_TRUE(bank.rejected.empty());
  task_.kind = Kind::json;
  task_.data.input = "input";
  task_.data.output = "output";
  const Imported slots = value_or_throw(import_rows(shared / "slots_json/train.jsonl", task_));
  EXPECT_EQ(slots.rows.size(), 12816U);
  EXPECT_TRUE(slots.rejected.empty());
}

TEST(NormalText, FoldingJoinsWhatDiffersInFormOnly) {
  EXPECT_EQ(folded_text("  Straße №１２, ﬁne!  "), "strasse no12 fine");
  EXPECT_EQ(folded_text("Call 555-1234 NOW"), "call 555 1234 now");
  EXPECT_EQ(folded_text("?!"), "");
  EXPECT_EQ(numberless_text("order 12 of 2026 05 01 in h2o 7"), "order 0 of 0 in h0o 0");
  EXPECT_EQ(number_signs("12 - 7 <6 and 555-1234, e-mail, 3 × −2 = 40%"), "-<*-=%");
  EXPECT_EQ(number_signs("well-known a+b"), "");
  EXPECT_EQ(canonical_text(" a\xC2\xA0\n b "), "a b");
  EXPECT_EQ(words_of("don't 你好 x_1"), (std::vector<std::string_view>{"don", "t", "你", "好", "x_1"}));
  EXPECT_EQ(canonical_text("a\xff").size(), 4U);
}

TEST(NormalText, NearNamesAreFoundAndFarOnesAreNot) {
  EXPECT_EQ(nearest_name("Instruktion", {"input", "instruction", "output"}), "instruction");
  EXPECT_EQ(nearest_name("zebra", {"input", "instruction", "output"}), "");
  EXPECT_EQ(nearest_name("xy", {"ab"}), "");
}

}  // namespace
}  // namespace hone::data
