// Taking an address apart the way the client that connects does, so that what is checked is what is connected to.
#pragma once

#include <string>

#include "base/error.h"

namespace hone::net {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; IPv6 in brackets
  int port = 0;
  std::string path;  // "/v1", "/" where there is none
  bool has_user = false;
  bool has_query = false;  // or a fragment
  // "api.openai.com", with the port where it is not the scheme's own.
  std::string shown_host() const;
};

// An error (usage) for anything but an http or https address; it never shows user, password or query.
Result<Url> parse_url(const std::string& text);

// Whether the host is this machine by its very name: localhost, 127.0.0.0/8 or ::1. No name is looked up.
bool is_loopback(const std::string& host);

}  // namespace hone::net
