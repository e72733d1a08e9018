#include "net/http.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "net/test_server.h"

namespace hone::net {
namespace {

TEST(Http, AnswersOfAnyStatusAreReplies) {
  TestServer server([](const std::string&) { return TestServer::reply("429 Too Many", "Retry-After:  7 \r\n", "{}"); });
  const HttpReply reply = value_or_throw(request({.url = server.url("/v1")}));
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.at("retry-after"), "7");
  EXPECT_EQ(reply.body, "{}");
}

TEST(Http, MethodHeadersAndBodyAreSent) {
  TestServer server([](const std::string&) { return TestServer::reply("200 OK", "", "ok"); });
  HttpRequest post{
      .method = "POST", .url = server.url("/v1/chat?key=1"), .headers = {{"X-Api-Key", "secret"}}, .body = "{\"a\":1}"};
  value_or_throw(request(post));
  const std::string sent = server.requests().at(0);
  EXPECT_TRUE(sent.starts_with("POST /v1/chat?key=1 HTTP/1.1\r\n"));
  EXPECT_NE(sent.find("X-Api-Key: secret\r\n"), std::string::npos);
  EXPECT_TRUE(sent.ends_with("\r\n\r\n{\"a\":1}"));
}

TEST(Http, ABodyOverTheLimitEndsTheTransfer) {
  TestServer server([](const std::string&) { return TestServer::reply("200 OK", "", std::string(5000, 'x')); });
  const auto reply = request({.url = server.url("/"), .max_body = 4999});
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message.find("over the limit of 4999"), std::string::npos);
  EXPECT_TRUE(request({.url = server.url("/"), .max_body = 5000}));
}

TEST(Http, RedirectsAreLimitedAndNeverLeaveHttp) {
  std::string target;
  TestServer server(
      [&](const std::string&) { return TestServer::reply("302 Found", "Location: " + target + "\r\n", ""); });
  target = server.url("/again");
  EXPECT_EQ(value_or_throw(request({.url = server.url("/")})).status, 302);
  const auto looped = request({.url = server.url("/"), .max_redirects = 3});
  ASSERT_FALSE(looped);
  EXPECT_NE(looped.error().message.find("too many redirects"), std::string::npos);
  target = "file:///etc/hostname";
  EXPECT_FALSE(request({.url = server.url("/"), .max_redirects = 3}));
  EXPECT_FALSE(request({.url = "file:///etc/hostname"}));
}

TEST(Http, FailuresNameTheHostAndThePart) {
  int port = 0;
  {
    TestServer gone([](const std::string&) { return ""; });
    port = std::stoi(gone.url("").substr(17));
  }
  const auto refused = request({.url = fmt::format("http://127.0.0.1:{}/", port)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::environment);
  EXPECT_NE(refused.error().message.find(fmt::format("127.0.0.1:{}: no connection", port)), std::string::npos);
  const auto unknown = request({.url = "http://no-such-host.invalid/", .connect_seconds = 5, .total_seconds = 5});
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().message.starts_with("no-such-host.invalid: ")) << unknown.error().message;
  TestServer plain([](const std::string&) { return ""; });
  const auto lost = request({.url = plain.url("/")});
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().message.find("lost midway"), std::string::npos);
}

TEST(Http, ASilentServerIsGivenUpInTime) {
  TestServer slow([](const std::string&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    return "";
  });
  const Stopwatch watch;
  const auto reply = request({.url = slow.url("/"), .total_seconds = 0.2});
  ASSERT_FALSE(reply);
  EXPECT_LT(watch.seconds(), 0.6);
  EXPECT_NE(reply.error().message.find("no answer in time"), std::string::npos);
}

TEST(Http, MessagesShowNoKeys) {
  EXPECT_EQ(shown_url("https://user:pass@host.example:8443/v1/models?key=abc#x"),
            "https://host.example:8443/v1/models");
  EXPECT_EQ(shown_url("https://host.example?key=abc"), "https://host.example");
  EXPECT_EQ(shown_url("https://host.example/a@b"), "https://host.example/a@b");
}

}  // namespace
}  // namespace hone::net
