// What request() and download() share: a curl handle with the options that always hold, and errors in plain words.
// Seen by this folder's .cc files only.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"

namespace hone::net {

struct FreeCurl {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using CurlHandle = std::unique_ptr<CURL, FreeCurl>;

class Curl {
 public:
  // TLS verified, no signals, http and https only; this machine's own addresses are never asked through a proxy. A
  // `handle` of an earlier exchange brings its open connections.
  Curl(const std::string& url, int max_redirects, std::stop_token stop, CurlHandle handle = {});
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  template <class T>
  void set(CURLoption option, T value) {
    HONE_CHECK(curl_easy_setopt(handle_.get(), option, value) == CURLE_OK);
  }
  void add_header(const std::string& name, const std::string& value);
  // Seconds without a connection, and in all (0: no limit).
  void set_timeouts(double connect_seconds, double total_seconds);

  // Runs the exchange. On failure the error names the host and what failed.
  CURLcode perform();
  Error error(CURLcode code) const;
  int status() const;
  bool was_sent() const;
  // Gives the handle away, for a next exchange on the same connection; nothing else may be called afterwards.
  CurlHandle release();
  // Header fields of the last hop, names in lower case.
  const std::map<std::string, std::string>& headers() const { return headers_; }

 private:
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  CurlHandle handle_;
  std::unique_ptr<curl_slist, FreeList> list_;
  std::string url_;
  std::stop_token stop_;
  std::map<std::string, std::string> headers_;
  char detail_[CURL_ERROR_SIZE] = {};
};

}  // namespace hone::net
