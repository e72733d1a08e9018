#include "prompt/api_endpoint.h"

#include <algorithm>

#include "net/url.h"

namespace hone::prompt {
namespace {

Result<std::string> key_in(const Environment& environment, const char* name) {
  const char* value = environment(name);
  std::string key = value == nullptr ? "" : value;
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' ')) key.pop_back();
  const bool fits = std::all_of(key.begin(), key.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!fits) {
    return make_error(ErrorCode::usage, "{} holds spaces, line breaks or other characters that no key has; set it anew",
                      name);
  }
  return key;
}

}  // namespace

Result<ApiEndpoint> api_endpoint(const std::string& base, const Environment& environment) {
  const auto parts = net::parse_url(base);
  if (!parts) return tl::unexpected(parts.error());
  if (parts->has_user || parts->has_query) {
    return make_error(
        ErrorCode::usage,
        "the address of {} holds a user, password or query; give it as scheme://host/path, and the key in "
        "the environment variable HONE_API_KEY",
        parts->host);
  }
  std::string path = parts->path;
  while (path.ends_with('/')) path.pop_back();
  if (path.empty()) path = "/v1";
  constexpr std::string_view method = "/chat/completions";
  if (!path.ends_with(method)) path += method;
  ApiEndpoint endpoint;
  endpoint.host = parts->shown_host();
  endpoint.url = fmt::format("{}://{}{}", parts->scheme, endpoint.host, path);
  endpoint.is_local = net::is_loopback(parts->host);
  endpoint.needs_key = !endpoint.is_local && parts->scheme == "https";
  if (!endpoint.is_local && !endpoint.needs_key) return endpoint;
  for (const char* name : {"HONE_API_KEY", "OPENAI_API_KEY"}) {
    if (!endpoint.key.empty() || (endpoint.is_local && std::string_view(name) == "OPENAI_API_KEY")) continue;
    auto key = key_in(environment, name);
    if (!key) return tl::unexpected(key.error());
    endpoint.key = std::move(*key);
  }
  return endpoint;
}

}  // namespace hone::prompt
