#include "net/url.h"

#include <gtest/gtest.h>

#include "net/http.h"
#include "net/test_server.h"

namespace hone::net {
namespace {

TEST(Url, HostPortAndPathAreWhatTheClientConnectsTo) {
  const Url plain = value_or_throw(parse_url("https://API.example.com/v1"));
  EXPECT_EQ(plain.host, "api.example.com");
  EXPECT_EQ(plain.port, 443);
  EXPECT_EQ(plain.path, "/v1");
  EXPECT_EQ(plain.shown_host(), "api.example.com");
  EXPECT_EQ(value_or_throw(parse_url("http://[::1]:8080")).shown_host(), "[::1]:8080");
  const Url disguised = value_or_throw(parse_url("http://127.0.0.1@other.example/v1"));
  EXPECT_EQ(disguised.host, "other.example");
  EXPECT_TRUE(disguised.has_user);
  EXPECT_TRUE(value_or_throw(parse_url("https://h.example/v1?key=1")).has_query);
}

TEST(Url, OtherAddressesAreRefusedWithoutShowingSecrets) {
  for (const char* text : {"", "host.example/v1", "ftp://h.example/", "file:///etc/hostname", "https://"}) {
    const auto parts = parse_url(text);
    ASSERT_FALSE(parts) << text;
    EXPECT_EQ(parts.error().code, ErrorCode::usage);
  }
  EXPECT_EQ(parse_url("ftp://user:secret@h.example/?key=secret").error().message.find("secret"), std::string::npos);
}

TEST(Url, OnlyThisMachineByNameIsLoopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.9.10", "[::1]"}) EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host :
       {"127.0.0.1.example.com", "localhost.example", "128.0.0.1", "0.0.0.0", "[::2]", "", "[", "127.1"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Url, AnAddressOfThisMachineIsNeverAskedThroughAProxy) {
  TestServer own([](const std::string&) { return TestServer::reply("200 OK", "", "own"); });
  TestServer proxy([](const std::string&) { return TestServer::reply("200 OK", "", "proxy"); });
  ::unsetenv("no_proxy");
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  const auto reply = request({.url = own.url("/")});
  ::unsetenv("http_proxy");
  ::setenv("no_proxy", "127.0.0.1", 1);
  EXPECT_EQ(value_or_throw(reply).body, "own");
  EXPECT_TRUE(proxy.requests().empty());
}

}  // namespace
}  // namespace hone::net
