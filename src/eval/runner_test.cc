#include "eval/runner.h"

#include <gtest/gtest.h>

namespace hone::eval {
namespace {

// Answers "yes" to all but row 2, which fails; asks for a stop after `stop_after` replies.
class Scripted : public text::Responder {
 public:
  explicit Scripted(std::size_t stop_after = 1000) : stop_after_(stop_after) {}
  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token stop) override {
    ++calls;
    for (std::size_t i = requests.size(); i-- > 0;) {
      if (stop.stop_requested()) return;
      text::Reply reply;
      reply.id = requests[i].id;
      reply.answer = "yes";
      if (requests[i].id == "2") {
        on_reply(i, bad_input("row 2 is odd"));
      } else {
        on_reply(i, reply);
      }
      if (++replies_ == stop_after_) source.request_stop();
    }
  }
  std::stop_source source;
  int calls = 0;

 private:
  std::size_t stop_after_;
  std::size_t replies_ = 0;
};

struct Case {
  std::vector<data::Row> rows;
  std::vector<text::Request> requests;
  data::Task task;
};

Case make_case(int n) {
  Case result;
  result.task.labels = {"yes", "no"};
  result.task.metric = "accuracy";
  for (int i = 0; i < n; ++i) {
    result.rows.push_back({});
    result.rows.back().id = std::to_string(i);
    result.rows.back().output = "yes";
    result.requests.push_back({});
    result.requests.back().id = std::to_string(i);
  }
  return result;
}

RunHooks quiet_hooks(std::stop_token stop = {}) {
  RunHooks hooks;
  hooks.quiet = true;
  hooks.stop = std::move(stop);
  return hooks;
}

TEST(RunRows, KeepsTheOrderOfRowsAndOneBadRowEndsNothing) {
  const Case sample = make_case(5);
  Scripted responder;
  RunHooks hooks = quiet_hooks();
  std::vector<std::string> ended;
  hooks.on_row = [&](const ScoredRow& row) { ended.push_back(row.id); };
  const std::vector<ScoredRow> rows = run_rows(responder, sample.rows, sample.requests, sample.task, hooks);
  ASSERT_EQ(rows.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(rows[i].id, std::to_string(i));
  EXPECT_TRUE(rows[2].failed);
  EXPECT_EQ(rows[4].score, 1);
  EXPECT_EQ(ended.front(), "4");  // delivered as they end
}

TEST(RunRows, LeavesOutRowsThatAStopCutOff) {
  const Case sample = make_case(5);
  Scripted responder(2);
  const std::vector<ScoredRow> rows =
      run_rows(responder, sample.rows, sample.requests, sample.task, quiet_hooks(responder.source.get_token()));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].id, "3");
}

TEST(MeasureLatency, AsksOneAtATimeAfterAWarmUp) {
  const Case sample = make_case(20);
  Scripted responder;
  const Latency latency = measure_latency(responder, sample.requests, {});
  EXPECT_EQ(responder.calls, 25);
  EXPECT_EQ(latency.n, 19u);  // row 2 fails and is not counted
  EXPECT_GE(latency.p95_ms, latency.p50_ms);
}

}  // namespace
}  // namespace hone::eval
