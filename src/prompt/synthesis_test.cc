#include "prompt/synthesis.h"

#include <gtest/gtest.h>

namespace hone::prompt {
namespace {

class Synthesis : public testing::Test {
 protected:
  Synthesis() {
    row_.id = "r1";
    row_.input = "My card was stolen!";
    row_.output = "lost_card";
    task_.instruction = "What does the customer want?";
    task_.labels = {"lost_card", "fee"};
  }
  using Texts = std::vector<std::string>;

  data::Row row_;
  data::Task task_;
};

TEST_F(Synthesis, LinesLoseNumbersDashesAndQuotesAndRepeatsAreLeftOut) {
  const SynthesisPlea plea{.output = "lost_card", .made_from = &row_, .word = {}, .examples = {}, .rows = 5};
  const std::string answer =
      "1. Someone took my card.\n2) \"They stole my bank card\"\n- my CARD was stolen\n\n* I was robbed of it\n12 "
      "o'clock it "
      "was gone\nand a sixth line\n";
  EXPECT_EQ(synthesised_texts(SynthesisKind::paraphrase, plea, answer),
            (Texts{"Someone took my card.", "They stole my bank card", "I was robbed of it", "12 o'clock it was gone"}))
      << "what repeats the row is none, and five lines were asked for";
  EXPECT_EQ(synthesised_texts(SynthesisKind::paraphrase, plea, "<think>hm</think>\nIt is gone."), Texts{"It is gone."});
  EXPECT_TRUE(synthesised_texts(SynthesisKind::paraphrase, plea, " \n\n>>>\n").empty());
}

TEST_F(Synthesis, ANegativeHoldsTheWord) {
  const SynthesisPlea plea{.output = "fee", .made_from = nullptr, .word = "stolen", .examples = {&row_}, .rows = 3};
  EXPECT_EQ(synthesised_texts(SynthesisKind::negatives, plea, "Is there a fee for stolen cards?\nWhat is the fee?"),
            Texts{"Is there a fee for stolen cards?"});
  const text::Request request = synthesis_request(task_, SynthesisKind::negatives, plea);
  EXPECT_NE(request.messages.back().content.find("\"stolen\""), std::string::npos);
  EXPECT_NE(request.messages.back().content.find(row_.input), std::string::npos);
  EXPECT_NE(request.messages.front().content.find(task_.instruction), std::string::npos);
}

TEST_F(Synthesis, ADocumentHoldsTheInputWordForWordAndMore) {
  const SynthesisPlea plea{.output = "lost_card", .made_from = &row_, .word = {}, .examples = {}, .rows = 1};
  const auto texts = [&](const std::string& answer) {
    return synthesised_texts(SynthesisKind::document, plea, answer).size();
  };
  EXPECT_EQ(texts("Dear all,\n\nmy card was stolen! Now what?\n"), 1U);
  EXPECT_EQ(texts("My card was stolen!"), 0U);
  EXPECT_EQ(texts("Dear all,\nmy purse was stolen."), 0U);
}

TEST_F(Synthesis, PleasThatAskForTheSameAreDrawnApart) {
  SynthesisPlea plea{.output = "fee", .made_from = nullptr, .word = {}, .examples = {}, .rows = 3, .draw = 1};
  const text::Request one = synthesis_request(task_, SynthesisKind::missing, plea);
  plea.draw = 2;
  const text::Request two = synthesis_request(task_, SynthesisKind::missing, plea);
  EXPECT_NE(one.answer.seed, two.answer.seed);
  EXPECT_NE(one.id, two.id);
  EXPECT_GT(one.answer.temperature, 0);
}

TEST_F(Synthesis, ARationaleIsOneSentenceOfFewWords) {
  EXPECT_EQ(rationale_in("\"It says that the card\nwas stolen.\"\n"), "It says that the card was stolen.");
  EXPECT_FALSE(rationale_in(""));
  EXPECT_FALSE(rationale_in("Stolen."));
  EXPECT_FALSE(rationale_in("I'm sorry, I cannot help with that."));
  std::string long_answer;
  for (int i = 0; i < 61; ++i) long_answer += "word ";
  EXPECT_FALSE(rationale_in(long_answer));
  const text::Request again = reasoned_request(task_, row_, "It says stolen.");
  EXPECT_EQ(again.answer.labels, task_.labels);
  EXPECT_NE(again.messages.back().content.find("It says stolen."), std::string::npos);
  EXPECT_EQ(again.messages.back().content.find("lost_card"), std::string::npos) << "the answer is not given away";
}

}  // namespace
}  // namespace hone::prompt
