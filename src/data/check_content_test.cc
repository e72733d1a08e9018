// Each finding about what rows hold fires where it should, and not on rows that only look so.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "data/check.h"

namespace hone::data {
namespace {

const std::vector<std::string> words = {"ash", "birch", "cedar", "date", "elm", "fir", "gum", "hazel", "ivy", "jute"};

// Words by chance, another text for every number.
std::string spelled(std::size_t number, std::size_t count) {
  std::string text;
  std::uint64_t state = number;
  for (std::size_t i = 0; i < count; ++i) {
    state = mix64(state);
    text += words[state % words.size()] + (i + 1 < count ? " " : "");
  }
  return text;
}

class CheckContent : public testing::Test {
 protected:
  CheckContent() {
    task_.kind = Kind::text;
    task_.metric = "chrf";
    task_.folder = "/tasks/mine";
    task_.data.train = "/tasks/mine/train.jsonl";
    input_.task = &task_;
    for (std::size_t i = 0; i < 200; ++i) add(spelled(i, 6 + i % 5), "the answer is " + spelled(i + 3, 3) + ".");
  }

  Row& add(const std::string& input, const std::string& output) {
    Row row;
    row.line = input_.train.size() + 1;
    row.id = fmt::format("r{}", row.line);
    row.input = input;
    row.output = output;
    input_.train.push_back(std::move(row));
    return input_.train.back();
  }

  void make_classify() {
    task_.kind = Kind::classify;
    task_.metric = "macro_f1";
    task_.labels = {"a", "b"};
    for (std::size_t i = 0; i < input_.train.size(); ++i) input_.train[i].output = i % 2 == 0 ? "a" : "b";
  }

  const Finding* find(const std::string& id) {
    findings_ = check_data(input_);
    const auto found = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& f) { return f.id == id; });
    if (found == findings_.end()) return nullptr;
    EXPECT_FALSE(found->title.empty() || found->suggestion.empty() || found->command.empty() || found->rows.empty());
    return &*found;
  }

  Task task_;
  CheckInput input_;
  std::vector<Finding> findings_;
};

TEST_F(CheckContent, ARowFarLongerThanTheOthersIsAnOutlier) {
  EXPECT_EQ(find("length-outlier"), nullptr);
  add(spelled(5, 900), "the answer is elm.");
  const Finding* finding = find("length-outlier");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->rows, std::vector<std::string>{"r201"});
  EXPECT_EQ(finding->evidence["examples"][0]["words"], 900);
}

TEST_F(CheckContent, TextWithoutSpacesIsMeasuredInCharacters) {
  for (Row& row : input_.train) row.input = "请问我的卡在哪里";
  for (std::size_t i = 0; i < input_.train.size(); ++i) input_.train[i].input += std::to_string(i * 7919);
  std::string long_text;
  for (int i = 0; i < 400; ++i) long_text += "卡";
  add(long_text, "the answer is elm.");
  const Finding* finding = find("length-outlier");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence["examples"][0]["words"], 400) << "one word by its spaces";
}

TEST_F(CheckContent, AnswersCutAtOneLengthAreSeen) {
  for (std::size_t i = 0; i < 5; ++i) add(spelled(i + 900, 7), spelled(i, 60).substr(0, 250));
  const Finding* finding = find("answers-cut");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence["rows"], 5);
  for (std::size_t i = 200; i < 205; ++i) input_.train[i].output += ".";
  EXPECT_EQ(find("answers-cut"), nullptr);
}

TEST_F(CheckContent, AnswersThatDoNotFitOrHaveNoEndAreErrors) {
  input_.max_tokens = 100;
  input_.tokens = [](const Row&) { return 20; };
  input_.answer_tokens = [](const Row&) { return std::optional(5); };
  EXPECT_EQ(find("answer-too-long"), nullptr);
  EXPECT_EQ(find("missing-end"), nullptr);
  input_.train[6].output = std::string(300, 'x');
  input_.answer_tokens = [](const Row& row) { return std::optional(static_cast<int>(row.output.size()) / 3); };
  ASSERT_NE(find("answer-too-long"), nullptr);
  EXPECT_EQ(find("answer-too-long")->rows, std::vector<std::string>{"r7"});
  EXPECT_EQ(find("answer-too-long")->severity, Severity::error);
  input_.answer_tokens = [](const Row&) { return std::optional<int>(); };
  EXPECT_EQ(find("missing-end")->evidence["rows"], 200);
}

TEST_F(CheckContent, ReasoningOfOneLabelOnlyOrLongerWithItIsOneSided) {
  make_classify();
  for (Row& row : input_.train) row.rationale = "because it says so";
  EXPECT_EQ(find("rationale-one-sided"), nullptr);
  for (Row& row : input_.train) {
    if (row.output == "b") row.rationale = "because it says so and nobody who reads it with care would doubt it";
  }
  const Finding* longer = find("rationale-one-sided");
  ASSERT_NE(longer, nullptr);
  EXPECT_EQ(longer->evidence["one_sided"], false);
  for (Row& row : input_.train) {
    if (row.output == "a") row.rationale.clear();
  }
  EXPECT_EQ(find("rationale-one-sided")->evidence["labels"]["a"]["with_rationale"], 0);
}

TEST_F(CheckContent, RowsOfAFewPatternsAreACollapse) {
  EXPECT_EQ(find("template-collapse"), nullptr);
  for (std::size_t i = 0; i < 150; ++i) {
    const std::string name = fmt::format("{}{}{}", words[i % 10], words[i / 10 % 10], i);
    Row& row = add(i % 2 == 0 ? fmt::format("please write a poem about {} for my friend {}", name, name + "x")
                              : fmt::format("how would you explain {} to a child of {}", name, name + "y"),
                   "done.");
    row.source = "made";
  }
  const Finding* finding = find("template-collapse");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence["source"], "made");
  EXPECT_EQ(finding->evidence["covered"], 150);
  EXPECT_EQ(finding->evidence["patterns"].size(), 2U);
}

TEST_F(CheckContent, ValuesThatTheInputDoesNotHoldAreSeenWhereOtherRowsCopy) {
  task_.kind = Kind::json;
  task_.metric = "exact";
  for (Row& row : input_.train)
    row.output = Json{{"intent", "Find"}, {"slots", {{"what", row.input.substr(0, row.input.find(' '))}}}}.dump();
  EXPECT_EQ(find("value-not-in-input"), nullptr) << "the intent stands in no input, and is no copy";
  input_.train[4].output = R"({"intent": "Find", "slots": {"what": "oak"}})";
  const Finding* finding = find("value-not-in-input");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->rows, std::vector<std::string>{"r5"});
  EXPECT_TRUE(finding->evidence["keys"].contains("slots/what"));
}

TEST_F(CheckContent, AnAnswerThatIsNoJsonAmongOthersThatAreIsBroken) {
  for (Row& row : input_.train) row.output = R"({"x": 1})";
  EXPECT_EQ(find("unparsable"), nullptr);
  input_.train[9].output = R"({"x": 1)";
  ASSERT_NE(find("unparsable"), nullptr);
  EXPECT_EQ(find("unparsable")->rows, std::vector<std::string>{"r10"});
}

TEST_F(CheckContent, OddCharactersAndScriptsAreNamedByRow) {
  for (const char* id : {"invisible-characters", "wrong-encoding", "mixed-scripts", "other-script"})
    EXPECT_EQ(find(id), nullptr) << id;
  input_.train[1].input += " pay\u200Bpal";
  input_.train[2].input += " cafÃ©";
  input_.train[3].input += " p\u0430ypal";
  input_.train[4].input = "Где моя карта и мои деньги";
  EXPECT_EQ(find("invisible-characters")->rows, std::vector<std::string>{"r2"});
  EXPECT_EQ(find("invisible-characters")->evidence["characters"]["U+200B"], 1);
  EXPECT_EQ(find("wrong-encoding")->rows, std::vector<std::string>{"r3"});
  EXPECT_EQ(find("mixed-scripts")->rows, std::vector<std::string>{"r4"});
  EXPECT_EQ(find("other-script")->rows, std::vector<std::string>{"r5"});
}

TEST_F(CheckContent, SecretsAndPersonalDataAreNamedAndNotRepeated) {
  EXPECT_EQ(find("secrets"), nullptr);
  EXPECT_EQ(find("personal-data"), nullptr);
  input_.train[1].input += " sk-proj-a8B2c4D6e8F0g2H4i6J8k0";
  input_.train[2].output += " jane@acme.com";
  ASSERT_NE(find("secrets"), nullptr);
  EXPECT_EQ(find("secrets")->rows, std::vector<std::string>{"r2"});
  EXPECT_EQ(find("secrets")->evidence.dump().find("a8B2c4"), std::string::npos);
  EXPECT_EQ(find("personal-data")->evidence["kinds"]["email"], 1);
}

TEST_F(CheckContent, AShiftIsToldWhereItIsNoChanceAndLargeEnough) {
  Shift shift;
  shift.a = "training";
  shift.b = "test";
  shift.rows = 100;
  shift.right = 130;
  shift.log10_p = -5;
  shift.strange = {input_.train[0]};
  input_.shifts = {shift};
  ASSERT_NE(find("shift"), nullptr);
  EXPECT_EQ(find("shift")->severity, Severity::note);
  input_.shifts[0].right = 180;
  EXPECT_EQ(find("shift")->severity, Severity::warning);
  input_.shifts[0].log10_p = -1;
  EXPECT_EQ(find("shift"), nullptr);
}

TEST_F(CheckContent, NearIdenticalInputsWithTwoLabelsAreAConflict) {
  make_classify();
  const std::string text =
      "where on earth can I find the card that was sent to me by the bank last week or the week before";
  add(text, "a");
  add(text + "s", "a");
  EXPECT_EQ(find("conflicting-labels"), nullptr);
  input_.train.back().output = "b";
  const Finding* finding = find("conflicting-labels");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence["near_pairs"], 1);
  EXPECT_EQ(finding->rows.size(), 2U);
}

}  // namespace
}  // namespace hone::data
