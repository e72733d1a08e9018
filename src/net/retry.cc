#include "net/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

namespace hone::net {
namespace {

std::optional<double> number_in(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> retry_after_seconds(const HttpReply& reply) {
  const auto field = [&](const char* name) {
    const auto found = reply.headers.find(name);
    return found == reply.headers.end() ? std::string() : found->second;
  };
  if (const auto milliseconds = number_in(field("retry-after-ms"))) return std::max(0.0, *milliseconds / 1000);
  const std::string asked = field("retry-after");
  if (asked.empty()) return std::nullopt;
  if (const auto seconds = number_in(asked)) return std::max(0.0, *seconds);
  const std::time_t date = curl_getdate(asked.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::max(0.0, std::difftime(date, std::time(nullptr)));
}

double backoff_seconds(int tries, double first_seconds, double uniform) {
  constexpr double longest = 30;
  return std::min(longest, first_seconds * std::exp2(tries - 1)) * (0.5 + uniform / 2);
}

}  // namespace hone::net
