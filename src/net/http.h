// One HTTP exchange, whole in memory: for APIs, and to see whether a host answers. TLS certificates are always
// verified. Header values and URL queries may hold keys: they are never logged nor put into messages.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace hone::net {

struct HttpRequest {
  std::string method = "GET";
  std::string url{};  // http or https
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  double connect_seconds = 10;
  double total_seconds = 60;
  std::uint64_t max_body = 16ULL << 20;  // bytes, after decompression
  int max_redirects = 0;                 // headers follow a redirect, so only where they hold no key
};

struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case, of the last hop
  std::string body{};
  double seconds = 0;
};

// Sends and waits. Any status is a reply; an error (environment, or interrupted) says which part failed: the name, the
// connection, TLS, time, size. Safe to call from several threads.
Result<HttpReply> request(const HttpRequest& request, std::stop_token stop = {});

// The same, for many exchanges with one host: the connection is kept open between them. For one thread at a time.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  Result<HttpReply> request(const HttpRequest& request, std::stop_token stop = {});
  // Whether the last request left, in part at least: it may have had its effect though no reply came.
  bool was_sent() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Scheme, host, port and path of a URL, without user, password and query: what may be shown.
std::string shown_url(std::string_view url);

}  // namespace hone::net
