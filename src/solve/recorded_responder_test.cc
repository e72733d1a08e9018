#include "solve/recorded_responder.h"

#include <gtest/gtest.h>

#include "base/testing.h"

namespace hone::solve {
namespace {

// Answers with the last message in capitals, and counts.
class Echo : public text::Responder {
 public:
  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token) override {
    for (std::size_t i = requests.size(); i-- > 0;) {  // the last first, as an API might
      ++asked;
      if (requests[i].messages.back().content == "fail") {
        on_reply(i, bad_input("no"));
        continue;
      }
      text::Reply reply;
      reply.answer = "re: " + requests[i].messages.back().content;
      reply.usage = {10, 5};
      on_reply(i, reply);
    }
  }
  int asked = 0;
};

std::vector<text::Request> requests_of(const std::vector<std::string>& texts) {
  std::vector<text::Request> requests;
  for (const std::string& text : texts) requests.push_back({.id = text, .messages = {{"user", text}}, .answer = {}});
  return requests;
}

std::vector<std::string> answers_of(RecordedResponder& recorded, const std::vector<text::Request>& requests) {
  std::vector<std::string> answers(requests.size());
  recorded.respond(
      requests, [&](std::size_t i, const Result<text::Reply>& reply) { answers[i] = reply ? reply->answer : "error"; },
      {});
  return answers;
}

class RecordedResponderTest : public testing::Test {
 protected:
  Path file() const { return folder_.path() / "teacher.jsonl"; }
  static double cost(const text::Usage& usage) { return 0.01 * (usage.prompt_tokens + usage.completion_tokens); }
  TemporaryFolder folder_;
  Echo echo_;
};

TEST_F(RecordedResponderTest, NothingIsAskedTwiceAlsoAfterARestart) {
  const std::vector<std::string> expected = {"re: a", "re: b\nc"};
  {
    RecordedResponder recorded(file(), "m", cost);
    recorded.ask(echo_);
    EXPECT_EQ(answers_of(recorded, requests_of({"a", "b\nc"})), expected);
    EXPECT_EQ(answers_of(recorded, requests_of({"a", "b\nc"})), expected);
    EXPECT_EQ(echo_.asked, 2);
  }
  RecordedResponder again(file(), "m", cost);
  again.ask(echo_);
  EXPECT_EQ(answers_of(again, requests_of({"a", "b\nc"})), expected);
  EXPECT_EQ(echo_.asked, 2);
  EXPECT_EQ(again.earlier().answers, 2);
  EXPECT_NEAR(again.earlier().usd, 0.3, 1e-12);
}

TEST_F(RecordedResponderTest, AnotherTeacherSpecOrTextIsAnotherQuestion) {
  auto requests = requests_of({"a"});
  {
    RecordedResponder recorded(file(), "m", {});
    recorded.ask(echo_);
    answers_of(recorded, requests);
    requests[0].answer.seed = 2;
    answers_of(recorded, requests);
    requests[0].answer.labels = {"x", "y"};
    answers_of(recorded, requests);
    EXPECT_EQ(echo_.asked, 3);
  }
  RecordedResponder other(file(), "n", {});
  other.ask(echo_);
  answers_of(other, requests);
  EXPECT_EQ(echo_.asked, 4);
  EXPECT_EQ(other.earlier().answers, 0);
}

TEST_F(RecordedResponderTest, AFailureIsAskedAgainAndHalfALineIsPassedOver) {
  {
    RecordedResponder recorded(file(), "m", {});
    recorded.ask(echo_);
    EXPECT_EQ(answers_of(recorded, requests_of({"a", "fail"})), (std::vector<std::string>{"re: a", "error"}));
  }
  const std::string text = *read_file(file());
  write_file(file(), text + "\n{\"teacher\":\"m\",\"key\":\"12");
  RecordedResponder recorded(file(), "m", {});
  recorded.ask(echo_);
  EXPECT_EQ(answers_of(recorded, requests_of({"fail", "b"}))[1], "re: b");
  EXPECT_EQ(echo_.asked, 4);
  const std::string after = *read_file(file());
  EXPECT_NE(after.find("\"key\":\"12\n{"), std::string::npos) << "what follows stands on a line of its own";
}

TEST_F(RecordedResponderTest, OneProcessAtATime) {
  RecordedResponder recorded(file(), "m", {});
  EXPECT_THROW(RecordedResponder(file(), "m", {}), Failure);
}

}  // namespace
}  // namespace hone::solve
