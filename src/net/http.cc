#include "net/http.h"

#include "base/clock.h"
#include "net/curl.h"

namespace hone::net {
namespace {

struct Sink {
  std::string* body = nullptr;
  std::uint64_t max = 0;
  bool over = false;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& sink = *static_cast<Sink*>(to);
  if (size * count > sink.max - sink.body->size()) {
    sink.over = true;
    return 0;  // ends the transfer
  }
  sink.body->append(data, size * count);
  return size * count;
}

Result<HttpReply> exchange(Curl& curl, const HttpRequest& request) {
  HttpReply reply;
  Sink sink{&reply.body, request.max_body};
  curl.set(CURLOPT_WRITEFUNCTION, &on_body);
  curl.set(CURLOPT_WRITEDATA, static_cast<void*>(&sink));
  curl.set(CURLOPT_ACCEPT_ENCODING, "");
  curl.set_timeouts(request.connect_seconds, request.total_seconds);
  if (request.method == "HEAD") {
    curl.set(CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !request.body.empty()) {
    curl.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl.set(CURLOPT_POSTFIELDS, request.body.c_str());
    curl.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  for (const auto& [name, value] : request.headers) curl.add_header(name, value);
  const Stopwatch watch;
  const CURLcode code = curl.perform();
  if (sink.over)
    return make_error(ErrorCode::environment, "{}: the answer is over the limit of {} bytes", shown_url(request.url),
                      request.max_body);
  if (code != CURLE_OK) return tl::unexpected<Error>(curl.error(code));
  reply.status = curl.status();
  reply.headers = curl.headers();
  reply.seconds = watch.seconds();
  return reply;
}

}  // namespace

std::string shown_url(std::string_view url) {
  std::string shown(url.substr(0, url.find_first_of("?#")));
  const auto scheme = shown.find("://");
  const auto host = scheme == std::string::npos ? 0 : scheme + 3;
  const auto path = shown.find('/', host);
  const auto at = shown.rfind('@', path == std::string::npos ? std::string::npos : path);
  if (at != std::string::npos && at >= host) shown.erase(host, at + 1 - host);
  return shown;
}

struct HttpClient::State {
  CurlHandle handle;
  bool was_sent = false;
};

HttpClient::HttpClient() : state_(std::make_unique<State>()) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpReply> HttpClient::request(const HttpRequest& request, std::stop_token stop) {
  Curl curl(request.url, request.max_redirects, std::move(stop), std::move(state_->handle));
  Result<HttpReply> reply = exchange(curl, request);
  state_->was_sent = curl.was_sent();
  state_->handle = curl.release();
  return reply;
}

bool HttpClient::was_sent() const { return state_->was_sent; }

Result<HttpReply> request(const HttpRequest& request, std::stop_token stop) {
  return HttpClient().request(request, std::move(stop));
}

}  // namespace hone::net
