#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "base/terminal.h"
#include "net/http.h"

namespace hone::net {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK || text == nullptr) return {};
  std::string copied(text);
  curl_free(text);
  return copied;
}

}  // namespace

std::string Url::shown_host() const {
  const int usual = scheme == "https" ? 443 : 80;
  return port == usual ? host : fmt::format("{}:{}", host, port);
}

Result<Url> parse_url(const std::string& text) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  if (!url) throw std::bad_alloc();
  const auto refused = [&] {
    return make_error(ErrorCode::usage, "\"{}\" is not an http or https address; expected one like https://host/v1",
                      printable(shown_url(text)));
  };
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return refused();
  Url parts;
  parts.scheme = part(url.get(), CURLUPART_SCHEME);
  if (parts.scheme != "http" && parts.scheme != "https") return refused();
  parts.host = part(url.get(), CURLUPART_HOST);
  std::transform(parts.host.begin(), parts.host.end(), parts.host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  parts.port = std::stoi("0" + part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
  parts.path = part(url.get(), CURLUPART_PATH);
  parts.has_user = !part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty();
  parts.has_query = !part(url.get(), CURLUPART_QUERY).empty() || !part(url.get(), CURLUPART_FRAGMENT).empty();
  return parts;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127;
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
  in6_addr six{};
  return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace hone::net
