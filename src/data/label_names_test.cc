#include "data/label_names.h"

#include <gtest/gtest.h>

namespace hone::data {
namespace {

Task task_of(std::vector<std::string> labels, std::string instruction) {
  Task task;
  task.labels = std::move(labels);
  task.instruction = std::move(instruction);
  return task;
}

TEST(LabelNames, NamesThatSayNothingAreSilentUnlessTheInstructionExplainsThem) {
  const std::vector<std::string> empty = {"A", "0", "class1", "LABEL_2", "c3", "Category B", "type-10", "label"};
  EXPECT_EQ(silent_labels(task_of(empty, "Sort the text into one of the labels.")).size(), empty.size());
  const std::vector<std::string> said = {"ABBR", "no", "benign", "class_action", "topic_change", "HUM", "type error"};
  EXPECT_TRUE(silent_labels(task_of(said, "Sort the text.")).empty());
  EXPECT_TRUE(silent_labels(task_of({"A", "B"}, "Answer A for a question, B: an order.")).empty());
  EXPECT_EQ(silent_labels(task_of({"A", "B"}, "Answer A or B.")).size(), 2U) << "a name that stands there says nothing";
}

TEST(LabelNames, LabelsThatTheInstructionDoesNotHoldAreUnnamed) {
  const Task task = task_of({"lost_card", "Refund", "fee"}, "Is it about a refund, or a lost card?");
  EXPECT_EQ(unnamed_labels(task), std::vector<std::size_t>{2});
}

std::string why_of(const std::string& a, const std::string& b) {
  const auto pairs = overlapping_labels({a, b});
  return pairs.empty() ? "" : pairs[0].why;
}

TEST(LabelNames, NamesThatMayBeTakenForEachOtherMakeAPair) {
  EXPECT_EQ(why_of("refund_requests", "RequestRefund"), "same-words");
  EXPECT_EQ(why_of("card_payment", "card_payment_fee"), "one-in-the-other");
  EXPECT_EQ(why_of("deletion", "deletions"), "same-words");
  EXPECT_EQ(why_of("billling", "billing"), "nearly-the-same-spelling");
  EXPECT_EQ(why_of("bug", "error"), "synonyms");
  EXPECT_EQ(why_of("misc", "Other"), "synonyms");
}

TEST(LabelNames, ADenialOrAnotherNumberMakesNone) {
  EXPECT_EQ(why_of("spam", "not_spam"), "");
  EXPECT_EQ(why_of("relevant", "irrelevant"), "");
  EXPECT_EQ(why_of("level_1", "level_2"), "");
  EXPECT_EQ(why_of("lost_card", "late_card"), "");
  EXPECT_EQ(why_of("ABBR", "DESC"), "");
}

}  // namespace
}  // namespace hone::data
