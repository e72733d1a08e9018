#include "data/raw_rows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file_writer.h"
#include "base/json.h"
#include "data/column_template.h"
#include "data/export_file.h"
#include "data/json_row.h"
#include "data/json_write.h"
#include "data/sheet_parser.h"

namespace hone::data {
namespace {

class RawRows : public testing::Test {
 protected:
  RawRows() : folder_(std::filesystem::temp_directory_path() / fmt::format("hone_raw_rows_{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~RawRows() override { std::filesystem::remove_all(folder_); }

  // "line: column=text, ..." or "line! reason" a row.
  std::vector<std::string> read(const std::string& name, const std::string& bytes, const ReadSpec& spec = {}) {
    write_file(folder_ / name, bytes);
    std::vector<std::string> rows;
    file_ = value_or_throw(read_raw_file(folder_ / name, spec, [&](RawRow&& row) {
      std::string text = fmt::format("{}{}", row.line, row.why.empty() ? ":" : "! " + row.reason);
      for (const auto& [column, value] : row.values) text += fmt::format(" {}={}", column, value.text);
      rows.push_back(text);
    }));
    return rows;
  }

  Path folder_;
  RawFile file_;
};

using Rows = std::vector<std::string>;

TEST_F(RawRows, AJsonDocumentIsReadWhereverItsRowsStand) {
  EXPECT_EQ(read("a.json", "[\n{\"a\": 1},\n\n{\"a\": \"x]\\\"\"}, 5]"), (Rows{"2: a=1", "4: a=x]\"", "4! malformed"}));
  EXPECT_EQ(read("b.json", "{\"n\": 3, \"out\": {\"rows\": [{\"a\": 1},\n{\"a\": 2}]}}"), (Rows{"1: a=1", "2: a=2"}));
  EXPECT_EQ(read("c.json", "{\"a\": [1, 2],\n\"b\": [{\"c\": [0.10]}, null]}"),
            (Rows{"1: a=1 b={\"c\":[0.10]}", "1: a=2 b="}));
  EXPECT_EQ(file_.columns, (Rows{"a", "b"}));
  EXPECT_EQ(read("d.json", "{\"labels\": [\"x\", \"y\", \"z\"], \"data\": [{\"a\": 1}]}"), (Rows{"1: a=1"}));
  EXPECT_EQ(read("lines.json", "{\"a\": 1}\n{\"a\": 2}\n"), (Rows{"1: a=1", "2: a=2"}));
  EXPECT_TRUE(read("none.json", "[]").empty());
}

TEST_F(RawRows, ConversationsBecomeInputAndOutput) {
  const std::string turns =
      R"({"role": "system", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "A"}]}, )"
      R"({"role": "assistant", "content": "B"})";
  EXPECT_EQ(read("a.jsonl", "{\"id\": 1, \"messages\": [" + turns + "]}"), (Rows{"1: id=1 system=S input=A output=B"}));
  EXPECT_EQ(file_.format, FileFormat::openai_chat);
  EXPECT_EQ(read("a.jsonl", "{\"messages\": [" + turns + ", {\"role\": \"user\", \"content\": \"C\"}, " +
                                R"({"role": "assistant", "content": "D"}]})"),
            (Rows{"1: system=S input=user: A\n\nassistant: B\n\nuser: C output=D"}));
  EXPECT_EQ(read("a.jsonl", R"({"conversations": [{"from": "human", "value": "A"}, {"from": "gpt", "value": "B"}]})"),
            (Rows{"1: input=A output=B"}));
  EXPECT_EQ(file_.format, FileFormat::sharegpt);
  EXPECT_EQ(read("a.jsonl", R"({"prompt": [{"role": "user", "content": "A"}], )"
                            R"("completion": [{"role": "assistant", "content": "B"}]})"),
            (Rows{"1: input=A output=B"}));
  EXPECT_EQ(read("a.jsonl", R"({"messages": [{"role": "user", "content": "A"}]})"), (Rows{"1! no-answer"}));
  // A row that names its case itself keeps its columns.
  EXPECT_EQ(read("a.jsonl", R"({"input": "i", "output": "o", "messages": [{"role": "user"}]})"),
            (Rows{"1: input=i output=o messages=[{\"role\":\"user\"}]"}));
}

TEST_F(RawRows, ReadingStopsWhereEnoughWasRead) {
  ReadSpec spec;
  spec.most_rows = 2;
  EXPECT_EQ(read("a.csv", "a\n1\n2\n3\n", spec).size(), 2U);
  EXPECT_EQ(read("a.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", spec).size(), 2U);
  EXPECT_EQ(read("a.json", "[{\"a\":1},{\"a\":2},{\"a\":3}]", spec).size(), 2U);
}

TEST_F(RawRows, ManyShortCsvLinesTakeTimeInProportion) {
  std::string bytes = "a\n";
  for (int i = 0; i < 200'000; ++i) bytes += "x\n";
  // A look for a delimiter beyond the line would read 20 GB.
  EXPECT_EQ(read("a.csv", bytes).size(), 200'000U);
}

TEST(JsonRow, WhatIsReadIsWhatAnotherParserReads) {
  const std::string text =
      R"({"a": "\u00e9\ud83d\ude00\n\"", "b": {"c" : [1.50, -0, 1e5, "x\ty", "é"], "d": {}}, "e": null})";
  const RawRow row = json_row(text);
  ASSERT_TRUE(row.why.empty()) << row.why;
  const Json known = Json::parse(text);
  EXPECT_EQ(row.find("a")->text, known.at("a").get<std::string>());
  EXPECT_EQ(row.find("b")->text, R"({"c":[1.50,-0,1e5,"x\ty","é"],"d":{}})");
  for (const char* bad :
       {"{", "{}x", "{\"a\"}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":tru}", "{\"a\":\"\t\"}", "{\"a\":1,}",
        "{,}", "{\"a\":\"\\x\"}", "{\"a\":\"\\udc00\"}", "{\"a\":[1,]}", "{\"a\":1e999}", "{'a':1}", "{\"a\":+1}"}) {
    EXPECT_FALSE(Json::accept(bad) && std::string(bad) != "{\"a\":1e999}") << bad;
    EXPECT_EQ(json_row(bad).reason, "malformed") << bad;
    EXPECT_FALSE(json_row(bad).why.empty()) << bad;
  }
}

TEST(JsonWrite, AStringIsWrittenAsTheLibraryWritesIt) {
  for (const std::string text : {"plain", "\"\\\n\t\b\f\r\x01\x1f\x7f", "é😀", "bad \xff byte", ""}) {
    std::string out;
    append_json_string(text, out);
    EXPECT_EQ(out, to_text(Json(text)));
  }
}

TEST(ColumnTemplate, PutsColumnsIntoText) {
  RawRow row;
  row.values = {
      {"subject", {ValueType::text, "Hi"}}, {"body", {ValueType::null, ""}}, {"n", {ValueType::number, "1.50"}}};
  const auto fill = [&](const char* text) { return value_or_throw(ColumnTemplate::parse(text)).fill(row); };
  EXPECT_EQ(fill("{subject}\n{body}"), "Hi");
  EXPECT_EQ(fill("{n}: {subject} {{x}} {none}"), "1.50: Hi {x}");
  EXPECT_TRUE(value_or_throw(ColumnTemplate::parse("subject")).is_one_column());
  for (const char* bad : {"{", "a}", "{}", "{{x}}", "{a{b}", "{a"}) EXPECT_FALSE(ColumnTemplate::parse(bad)) << bad;
}

TEST(Sheet, DatesAreRead) {
  EXPECT_EQ(date_text(45000, 1900), "2023-03-15");
  EXPECT_EQ(date_text(45000.5, 1900), "2023-03-15 12:00:00");
  EXPECT_EQ(date_text(1, 1900), "1900-01-01");
  EXPECT_EQ(date_text(61, 1900), "1900-03-01");
  EXPECT_EQ(date_text(0, 1904), "1904-01-01");
  EXPECT_EQ(date_text(-1, 1900), "");
  EXPECT_TRUE(is_date_format("dd.mm.yyyy") && is_date_format("[$-409]h:mm AM/PM"));
  EXPECT_FALSE(is_date_format("0.00") || is_date_format("General") || is_date_format("#,##0 \"days\"") ||
               is_date_format("[Red]0"));
  EXPECT_EQ(unescaped_cell("a_x000D_b_x005F_x0041_ _x00_"), "a\rb_x0041_ _x00_");
}

TEST(Formulas, AreTextsThatASpreadsheetWouldRun) {
  for (const char* text : {"=1+1", "+a", "-a", "@x", "\tx", "-"}) EXPECT_TRUE(looks_like_formula(text)) << text;
  for (const char* text : {"-5", "+1.5e3", "-3 %", "a=1", "", "5"}) {
    EXPECT_EQ(looks_like_formula(text), std::string(text) == "-3 %") << text;
  }
}

TEST_F(RawRows, AFileWrittenInPiecesIsSeenWholeOrNotAtAll) {
  const Path path = folder_ / "out.txt";
  write_file(path, "old");
  {
    FileWriter writer(path);
    writer.write("half");
  }
  EXPECT_EQ(value_or_throw(read_file(path)), "old");
  FileWriter writer(path);
  writer.write(std::string(3'000'000, 'x'));
  writer.write("end");
  writer.commit();
  EXPECT_EQ(value_or_throw(read_file(path)).size(), 3'000'003U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

}  // namespace
}  // namespace hone::data
