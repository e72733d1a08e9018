#include "prompt/api_answer.h"

#include <gtest/gtest.h>

namespace hone::prompt {
namespace {

text::AnswerSpec spec_of(std::vector<std::string> labels) {
  text::AnswerSpec spec;
  spec.labels = std::move(labels);
  return spec;
}

TEST(ApiAnswer, ALabelIsFoundUnderQuotesMarkdownCaseAndAFullStop) {
  const auto spec = spec_of({"malicious", "benign", "not sure", "C++"});
  for (const char* answer :
       {"benign", " benign\n", "Benign", "BENIGN.", "\"benign\"", "**benign**", "**Benign.**", "`benign`", "'benign'.",
        "```\nbenign\n```", "```text\nbenign\n```", "- benign", "# benign", "\u201cbenign\u201d", "*\"Benign\"*"})
    EXPECT_EQ(label_in(answer, spec), "benign") << answer;
  EXPECT_EQ(label_in("Not Sure", spec), "not sure");
  EXPECT_EQ(label_in("`c++`", spec), "C++");
}

TEST(ApiAnswer, AnythingElseIsNoLabel) {
  const auto spec = spec_of({"malicious", "benign"});
  for (const char* answer : {"", "  ", ".", "\"\"", "I think it is benign", "benign or malicious", "label: benign",
                             "benig", "abstain", "**", "```", "benign!"})
    EXPECT_EQ(label_in(answer, spec), std::nullopt) << answer;
}

TEST(ApiAnswer, LabelsThatLookLikeDressAndLabelsThatDifferByCaseAreKeptApart) {
  EXPECT_EQ(label_in("*", spec_of({"*", "**"})), "*");
  EXPECT_EQ(label_in("etc.", spec_of({"etc.", "etc"})), "etc.");
  const auto cased = spec_of({"US", "us"});
  EXPECT_EQ(label_in("us", cased), "us");
  EXPECT_EQ(label_in("US.", cased), "US");
  EXPECT_EQ(label_in("Us", cased), std::nullopt);
  auto abstaining = spec_of({"a", "b"});
  abstaining.abstain = true;
  EXPECT_EQ(label_in("Abstain.", abstaining), "abstain");
}

TEST(ApiAnswer, TheEndpointsUsageIsReadWithItsCachedPart) {
  const auto answer = value_or_throw(read_chat_answer(
      R"({"choices":[{"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],
          "usage":{"prompt_tokens":100,"completion_tokens":40,"prompt_tokens_details":{"cached_tokens":60},
                   "completion_tokens_details":{"reasoning_tokens":38}}})"));
  EXPECT_EQ(answer.text, "yes");
  EXPECT_EQ(answer.finish, "stop");
  ASSERT_TRUE(answer.usage);
  EXPECT_EQ(answer.usage->prompt, 100);
  EXPECT_EQ(answer.usage->cached, 60);
  EXPECT_EQ(answer.usage->completion, 40);  // hidden reasoning is in it
}

TEST(ApiAnswer, UnusualAnswersAreReadOrNamed) {
  EXPECT_EQ(value_or_throw(read_chat_answer(R"({"choices":[{"message":{"content":null,"refusal":"no"}}]})")).text,
            "no");
  EXPECT_EQ(value_or_throw(
                read_chat_answer(
                    R"({"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]})"))
                .text,
            "ab");
  EXPECT_FALSE(
      value_or_throw(read_chat_answer(R"({"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":-1}})"))
          .usage);
  for (const char* body : {"", "<html>", "[]", "{}", R"({"choices":[]})", R"({"choices":[1]})",
                           R"({"choices":[{"text":"a"}]})", R"({"choices":[{"message":)"})
    EXPECT_FALSE(read_chat_answer(body)) << body;
}

TEST(ApiAnswer, ErrorsOfEveryShapeGiveTheirMessage) {
  EXPECT_EQ(error_text_in(R"({"error":{"message":"no such model","code":"model_not_found"}})"), "no such model");
  EXPECT_EQ(error_code_in(R"({"error":{"message":"no such model","code":"model_not_found"}})"), "model_not_found");
  EXPECT_EQ(error_text_in(R"({"error":"busy"})"), "busy");
  EXPECT_EQ(error_text_in(R"({"detail":"not here"})"), "not here");
  EXPECT_EQ(error_text_in("bad gateway\n"), "bad gateway");
  EXPECT_EQ(error_text_in("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(error_code_in("x"), "");
}

TEST(ApiAnswer, ThinkingAndFencesAreNoPartOfTheAnswer) {
  EXPECT_EQ(without_thinking("<think>is it a or b\n</think>\n\nb"), "b");
  EXPECT_EQ(without_thinking("<think>never ends"), "");
  EXPECT_EQ(without_thinking("a <think>"), "a <think>");
  EXPECT_EQ(without_fence("```json\n{\"a\": 1}\n```"), "{\"a\": 1}");
  EXPECT_EQ(without_fence("```{\"a\": 1}```"), "{\"a\": 1}");
  EXPECT_EQ(without_fence("see ```x```"), "see ```x```");
}

}  // namespace
}  // namespace hone::prompt
