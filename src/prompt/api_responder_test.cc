#include "prompt/api_responder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/clock.h"
#include "net/test_server.h"

namespace hone::prompt {
namespace {

using net::TestServer;

std::string answer_body(const std::string& text, int prompt = 10, int completion = 2) {
  return to_text({{"choices", Json::array({{{"message", {{"content", text}}}, {"finish_reason", "stop"}}})},
                  {"usage", {{"prompt_tokens", prompt}, {"completion_tokens", completion}}}});
}

std::string ok(const std::string& text) { return TestServer::reply("200 OK", "", answer_body(text)); }

ApiOptions options_for(const TestServer& server) {
  ApiOptions options;
  options.endpoint = {
      .url = server.url("/v1/chat/completions"), .host = "127.0.0.1", .key = "sk-secret-1234", .is_local = true};
  options.asking.model = "m";
  options.patience.first_wait_seconds = 0.01;
  options.patience.timeout_seconds = 2;
  options.concurrency = 3;
  return options;
}

std::vector<text::Request> requests_of(std::size_t count) {
  text::AnswerSpec spec;
  spec.labels = {"a", "b"};
  std::vector<text::Request> requests;
  for (std::size_t i = 0; i < count; ++i)
    requests.push_back(
        {.id = fmt::format("r{}", i), .messages = {{"user", fmt::format("row {}!", i)}}, .answer = spec});
  return requests;
}

using Rows = std::map<std::size_t, Result<text::Reply>>;

Rows ask(ApiResponder& responder, const std::vector<text::Request>& requests, std::stop_token stop = {}) {
  Rows rows;
  const auto caller = std::this_thread::get_id();
  responder.respond(
      requests,
      [&](std::size_t index, Result<text::Reply> reply) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_TRUE(rows.emplace(index, std::move(reply)).second) << "row " << index << " came twice";
      },
      stop);
  return rows;
}

std::string failure_of(ApiResponder& responder, const std::vector<text::Request>& requests, Rows& rows) {
  try {
    responder.respond(requests,
                      [&](std::size_t index, Result<text::Reply> reply) { rows.emplace(index, std::move(reply)); }, {});
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::environment);
    return failure.what();
  }
  return "";
}

TEST(ApiResponder, EveryRowIsAnsweredOnceWithUsageAndLatency) {
  TestServer server([](const std::string& request) {
    return ok(request.find("row 7!") != std::string::npos ? "who knows" : "**A**");
  });
  ApiResponder responder(options_for(server));
  const Rows rows = ask(responder, requests_of(12));
  ASSERT_EQ(rows.size(), 12U);
  EXPECT_EQ(rows.at(3)->answer, "a");
  EXPECT_EQ(rows.at(3)->finish, "label");
  EXPECT_EQ(rows.at(3)->usage.prompt_tokens, 10);
  EXPECT_GT(rows.at(3)->latency_ms, 0);
  EXPECT_EQ(rows.at(7)->answer, "who knows");
  EXPECT_EQ(rows.at(7)->finish, "malformed");
  const ApiTotals totals = responder.totals();
  EXPECT_EQ(totals.requests, 12);
  EXPECT_EQ(totals.malformed, 1);
  EXPECT_EQ(totals.prompt_tokens, 120);
  const std::string sent = server.requests().front();
  EXPECT_NE(sent.find("Authorization: Bearer sk-secret-1234\r\n"), std::string::npos);
  EXPECT_NE(sent.find("\"temperature\":0"), std::string::npos);
}

// What the answer's form is goes out with every request, and a server that knows no such field says which option helps.
TEST(ApiResponder, TheFormOfTheAnswerIsSent) {
  TestServer server([](const std::string& request) {
    return request.find("row 1!") == std::string::npos
               ? ok("a")
               : TestServer::reply("400 Bad Request", "", R"({"error":{"message":"unknown field response_format"}})");
  });
  ApiOptions options = options_for(server);
  const double without = most_usd(requests_of(1)[0], options.asking, {.id = "p", .input = 1, .cached = 1, .output = 1});
  options.asking.response_format = {{"type", "json_schema"}};
  const double with = most_usd(requests_of(1)[0], options.asking, {.id = "p", .input = 1, .cached = 1, .output = 1});
  EXPECT_GT(with, without) << "a cap counts it as read";
  ApiResponder responder(options);
  const Rows rows = ask(responder, requests_of(2));
  EXPECT_NE(server.requests().front().find(R"("response_format":{"type":"json_schema"})"), std::string::npos);
  ASSERT_FALSE(rows.at(1));
  EXPECT_NE(rows.at(1).error().message.find("--response-format none"), std::string::npos) << rows.at(1).error().message;
}

TEST(ApiResponder, WhatMayPassIsTriedAgain) {
  std::atomic<int> count = 0;
  TestServer server([&](const std::string&) -> std::string {
    switch (count++) {
      case 0:
        return TestServer::reply("429 Too Many Requests", "", "{}");
      case 1:
        return TestServer::reply("500 Oops", "", "oops");
      case 2:
        return TestServer::reply("200 OK", "", "{\"choices\": [");
      case 3: {
        std::string cut = ok("a");
        cut.resize(cut.size() - 5);
        return cut;
      }
      case 4:
        return "";  // the connection ends without a word
      default:
        return ok("a");
    }
  });
  ApiResponder responder(options_for(server));
  const Rows rows = ask(responder, requests_of(1));
  EXPECT_EQ(rows.at(0)->answer, "a");
  EXPECT_EQ(responder.totals().requests, 6);
  EXPECT_EQ(responder.totals().retries, 5);
}

TEST(ApiResponder, ARowThatNeverSucceedsFailsAndTheOthersGoOn) {
  TestServer server([](const std::string& request) {
    return request.find("row 1!") != std::string::npos
               ? TestServer::reply("503 Busy", "", R"({"error":{"message":"sk-secret-1234 is busy"}})")
               : ok("b");
  });
  ApiResponder responder(options_for(server));
  const Rows rows = ask(responder, requests_of(5));
  ASSERT_EQ(rows.size(), 5U);
  ASSERT_FALSE(rows.at(1));
  EXPECT_NE(rows.at(1).error().message.find("6 tries"), std::string::npos);
  EXPECT_NE(rows.at(1).error().message.find("503: [key] is busy"), std::string::npos) << rows.at(1).error().message;
  EXPECT_EQ(responder.totals().requests, 4 + 6);
  EXPECT_TRUE(rows.at(4));
}

TEST(ApiResponder, RetryAfterHoldsAllWorkersBack) {
  std::atomic<int> count = 0;
  TestServer server([&](const std::string&) {
    return count++ == 0 ? TestServer::reply("429 Too Many Requests", "Retry-After: 0.4\r\n", "{}") : ok("a");
  });
  auto options = options_for(server);
  options.concurrency = 1;
  ApiResponder responder(options);
  const Stopwatch watch;
  EXPECT_EQ(ask(responder, requests_of(1)).size(), 1U);
  EXPECT_GE(watch.seconds(), 0.4);
  EXPECT_LT(watch.seconds(), 1.5);
}

TEST(ApiResponder, AServerThatAsksForMinutesEndsTheRun) {
  TestServer server(
      [](const std::string&) { return TestServer::reply("429 Too Many Requests", "Retry-After: 3600\r\n", "{}"); });
  ApiResponder responder(options_for(server));
  Rows rows;
  EXPECT_NE(failure_of(responder, requests_of(2), rows).find("asks to wait 3600 seconds"), std::string::npos);
}

TEST(ApiResponder, AWrongKeyEndsTheRunAtOnceAndIsNotShown) {
  std::atomic<int> count = 0;
  TestServer server([&](const std::string&) {
    return count++ < 4 ? ok("a")
                       : TestServer::reply("401 Unauthorized", "",
                                           R"({"error":{"message":"Incorrect API key provided: sk-secret-1234"}})");
  });
  auto options = options_for(server);
  options.concurrency = 1;
  ApiResponder responder(options);
  Rows rows;
  const std::string message = failure_of(responder, requests_of(20), rows);
  EXPECT_EQ(rows.size(), 4U) << "what was answered before is kept";
  EXPECT_EQ(count, 5);
  EXPECT_NE(message.find("401"), std::string::npos) << message;
  EXPECT_NE(message.find("HONE_API_KEY"), std::string::npos) << message;
  EXPECT_EQ(message.find("sk-secret"), std::string::npos) << message;
}

TEST(ApiResponder, ARefusedRowFailsAloneButManyInARowEndTheRun) {
  TestServer server([](const std::string& request) {
    return request.find("row 0!") != std::string::npos
               ? ok("a")
               : TestServer::reply("400 Bad Request", "", R"({"error":{"message":"temperature is not supported"}})");
  });
  auto options = options_for(server);
  options.concurrency = 1;
  options.patience.failures_in_a_row = 4;
  ApiResponder responder(options);
  Rows rows;
  const std::string message = failure_of(responder, requests_of(20), rows);
  EXPECT_EQ(rows.size(), 5U) << "the first, and as many as are borne";
  EXPECT_FALSE(rows.at(1));
  EXPECT_NE(message.find(" rows in a row"), std::string::npos) << message;
  EXPECT_NE(message.find("--no-temperature"), std::string::npos) << message;
}

TEST(ApiResponder, ASlowServerIsGivenUpAndTriedAgain) {
  std::atomic<int> count = 0;
  TestServer server([&](const std::string&) {
    if (count++ == 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    return ok("a");
  });
  auto options = options_for(server);
  options.patience.timeout_seconds = 0.2;
  options.patience.first_wait_seconds = 0.4;
  ApiResponder responder(options);
  EXPECT_EQ(ask(responder, requests_of(1)).at(0)->answer, "a");
}

TEST(ApiResponder, TheCapIsNeverPassed) {
  TestServer server([](const std::string&) { return TestServer::reply("200 OK", "", answer_body("a", 30, 50)); });
  auto options = options_for(server);
  options.asking.max_tokens = 50;
  options.price = TokenPrice{.id = "m", .input = 1000, .cached = 1000, .output = 10000};
  options.max_usd = 3.0;  // an answer costs 0.53, and 0.54 is set aside for it before it is sent
  ApiResponder responder(options);
  const Rows rows = ask(responder, requests_of(20));
  EXPECT_EQ(rows.size(), 5U);
  EXPECT_EQ(server.requests().size(), rows.size());
  EXPECT_TRUE(responder.totals().capped);
  EXPECT_NEAR(responder.totals().usd, 0.53 * static_cast<double>(rows.size()), 1e-9);
  EXPECT_LE(responder.totals().usd, 3.0);
  EXPECT_TRUE(ask(responder, requests_of(2)).empty()) << "once stopped by the cap, nothing more is sent";
}

TEST(ApiResponder, AnswersThatMayHaveBeenBilledCountAtTheirMost) {
  std::atomic<int> count = 0;
  TestServer server([&](const std::string&) {
    return count++ == 0 ? TestServer::reply("200 OK", "", "not json")
                        : TestServer::reply("200 OK", "", R"({"choices":[{"message":{"content":"a"}}]})");
  });
  auto options = options_for(server);
  options.asking.max_tokens = 50;
  options.price = TokenPrice{.id = "m", .input = 0, .cached = 0, .output = 10000};
  ApiResponder responder(options);
  EXPECT_EQ(ask(responder, requests_of(1)).size(), 1U);
  EXPECT_NEAR(responder.totals().usd, 1.0, 1e-9);
  EXPECT_NEAR(responder.totals().uncertain_usd, 1.0, 1e-9);
}

TEST(ApiResponder, AStopLetsAnswersUnderWayArrive) {
  std::stop_source stop;
  TestServer server([&](const std::string&) {
    stop.request_stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return ok("a");
  });
  ApiResponder responder(options_for(server));
  const Rows rows = ask(responder, requests_of(20), stop.get_token());
  EXPECT_GE(rows.size(), 1U);
  EXPECT_LE(rows.size(), 3U) << "only what was under way";
  EXPECT_EQ(rows.size(), server.requests().size());
}

TEST(ApiResponder, AnErrorOfTheCallerEndsTheWorkers) {
  TestServer server([](const std::string&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a quick server may answer all before the first word
    return ok("a");
  });
  ApiResponder responder(options_for(server));
  const auto requests = requests_of(50);
  const auto full_disk = [](std::size_t, const Result<text::Reply>&) { fail(ErrorCode::environment, "disk full"); };
  EXPECT_THROW(responder.respond(requests, full_disk, {}), Failure);
  EXPECT_LT(server.requests().size(), 50U);
}

}  // namespace
}  // namespace hone::prompt
