// Where a model is asked over HTTP, and with which key. The key is read from the environment only and goes nowhere but
// into the request's header.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"

namespace hone::prompt {

constexpr const char* default_api_base = "https://api.openai.com/v1";

struct ApiEndpoint {
  std::string url;        // of chat/completions
  std::string host;       // as shown and recorded, with a port that is not the usual one
  std::string key;        // empty: none is sent
  bool is_local = false;  // this machine itself, by name
  bool needs_key = false;
};

// The value of an environment variable, or null: std::getenv.
using Environment = std::function<const char*(const char* name)>;

// `base` is the address before /chat/completions; /v1 is meant where it has no path. HONE_API_KEY is the key, else
// OPENAI_API_KEY, which this machine's own servers never get; no key goes over plain http to another machine. An error
// (usage) for another kind of address, one that holds user, password or query, and a key no header can hold.
Result<ApiEndpoint> api_endpoint(const std::string& base, const Environment& environment);

}  // namespace hone::prompt
