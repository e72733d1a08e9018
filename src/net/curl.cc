#include "net/curl.h"

#include <cctype>
#include <cstdlib>

#include "base/terminal.h"
#include "net/http.h"
#include "net/url.h"

namespace hone::net {
namespace {

void start_curl_once() {
  // curl's own set-up is not safe to repeat from threads; a local static runs it once.
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) fail(ErrorCode::environment, "libcurl does not start: {}", curl_easy_strerror(started));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::string host_of(std::string_view url) {
  std::string shown = shown_url(url);
  if (const auto scheme = shown.find("://"); scheme != std::string::npos) shown.erase(0, scheme + 3);
  return shown.substr(0, shown.find('/'));
}

bool is_tls_error(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CERTPROBLEM ||
         code == CURLE_SSL_CIPHER || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR;
}

}  // namespace

Curl::Curl(const std::string& url, int max_redirects, std::stop_token stop, CurlHandle handle)
    : handle_(std::move(handle)), url_(url), stop_(std::move(stop)) {
  start_curl_once();
  if (!handle_) handle_.reset(curl_easy_init());
  if (!handle_) fail(ErrorCode::environment, "libcurl does not start");
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_ERRORBUFFER, detail_);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "hone");
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  // From https only to https: a redirect must not take the encryption away.
  set(CURLOPT_REDIR_PROTOCOLS_STR, lower(url).starts_with("https:") ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, max_redirects > 0 ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, static_cast<long>(max_redirects));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (const char* authorities = std::getenv("SSL_CERT_FILE"); authorities != nullptr && *authorities != '\0')
    set(CURLOPT_CAINFO, authorities);
  // What is meant for this machine must not leave it, whatever http_proxy says.
  if (const auto parts = parse_url(url); parts && is_loopback(parts->host)) set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_HEADERFUNCTION, &Curl::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Curl::on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
}

void Curl::add_header(const std::string& name, const std::string& value) {
  const std::string line = value.empty() ? name + ";" : name + ": " + value;
  HONE_CHECK(line.find_first_of("\r\n") == std::string::npos);
  curl_slist* longer = curl_slist_append(list_.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  (void)list_.release();
  list_.reset(longer);
}

void Curl::set_timeouts(double connect_seconds, double total_seconds) {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_seconds * 1000));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(total_seconds * 1000));
}

CURLcode Curl::perform() {
  headers_.clear();
  detail_[0] = '\0';
  if (list_) set(CURLOPT_HTTPHEADER, list_.get());
  return curl_easy_perform(handle_.get());
}

int Curl::status() const {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

bool Curl::was_sent() const {
  long bytes = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0;
}

CurlHandle Curl::release() {
  curl_easy_reset(handle_.get());  // forgets what it points to in this object, keeps its connections
  return std::move(handle_);
}

std::size_t Curl::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  const std::string_view line(data, size * count);
  auto& headers = static_cast<Curl*>(self)->headers_;
  if (line.starts_with("HTTP/")) headers.clear();
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && headers.size() < 200)
    headers[lower(trimmed(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
  return line.size();
}

int Curl::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Curl*>(self)->stop_.stop_requested() ? 1 : 0;
}

Error Curl::error(CURLcode code) const {
  const std::string host = printable(host_of(url_));
  const auto with = [&](const std::string& what) {
    return Error{ErrorCode::environment, fmt::format("{}: {}", host, what)};
  };
  // curl's detail never holds header values; it may hold a URL of a redirect, which is cut off with the rest.
  const std::string detail = clipped(detail_[0] != '\0' ? detail_ : curl_easy_strerror(code), 160);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return {ErrorCode::interrupted, fmt::format("{}: stopped", host)};
    case CURLE_COULDNT_RESOLVE_HOST:
      return with("the host's name cannot be resolved (no network, no DNS, or a wrong name)");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return with("the proxy's name cannot be resolved; check https_proxy");
    case CURLE_COULDNT_CONNECT:
      return with(fmt::format("no connection ({})", detail));
    case CURLE_OPERATION_TIMEDOUT:
      return with(fmt::format("no answer in time ({})", detail));
    case CURLE_TOO_MANY_REDIRECTS:
      return with("too many redirects");
    case CURLE_UNSUPPORTED_PROTOCOL:
      return with("not an http or https address (or a redirect to one)");
    case CURLE_URL_MALFORMAT:
      return with("not a valid address");
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return with(fmt::format("the connection was lost midway ({})", detail));
    default:
      break;
  }
  if (is_tls_error(code))
    return with(fmt::format(
        "no trusted TLS connection ({}); a proxy that opens TLS needs its certificate in SSL_CERT_FILE", detail));
  return with(detail);
}

}  // namespace hone::net
