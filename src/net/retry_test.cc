#include "net/retry.h"

#include <gtest/gtest.h>

#include <ctime>

namespace hone::net {
namespace {

HttpReply with(const std::string& name, const std::string& value) {
  HttpReply reply;
  reply.headers[name] = value;
  return reply;
}

TEST(Retry, RetryAfterIsReadAsSecondsMillisecondsOrADate) {
  EXPECT_EQ(retry_after_seconds(with("retry-after", "7")), 7);
  EXPECT_EQ(retry_after_seconds(with("retry-after", "0.5")), 0.5);
  EXPECT_EQ(retry_after_seconds(with("retry-after", "-3")), 0);
  EXPECT_EQ(retry_after_seconds(with("retry-after-ms", "250")), 0.25);
  EXPECT_EQ(retry_after_seconds(with("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")), 0);
  std::time_t later = std::time(nullptr) + 100;
  char date[64];
  std::strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&later));
  EXPECT_NEAR(retry_after_seconds(with("retry-after", date)).value_or(-1), 100, 2);
  for (const char* unread : {"", "soon", "nan", "inf", "7 s"})
    EXPECT_EQ(retry_after_seconds(with("retry-after", unread)), std::nullopt) << unread;
}

TEST(Retry, BackOffDoublesWithinItsJitterAndIsBounded) {
  for (int tries = 1; tries < 6; ++tries) {
    EXPECT_DOUBLE_EQ(backoff_seconds(tries, 0.5, 0), 0.25 * (1 << (tries - 1)));
    EXPECT_LT(backoff_seconds(tries, 0.5, 0.999), 0.5 * (1 << (tries - 1)));
  }
  EXPECT_LE(backoff_seconds(40, 0.5, 0.999), 30);
}

}  // namespace
}  // namespace hone::net
