// Fetching a file with resume: what has come lies in `target`.part until it is whole and its hash is right.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/files.h"

namespace hone::net {

struct Download {
  std::string url{};
  Path target{};
  std::uint64_t bytes = 0;      // expected size; 0: unknown
  std::uint64_t max_bytes = 0;  // refused beyond; 0: no limit but `bytes`
  std::string sha256{};         // expected, lower-case hex; empty: not checked
  std::string label{};          // of the progress line
  double connect_seconds = 10;
  double stall_seconds = 30;  // gives up after this long with less than a kilobyte a second
  int attempts = 3;           // on connections lost midway and server errors
};

struct Downloaded {
  std::string sha256;  // as found
  std::uint64_t bytes = 0;
  std::uint64_t resumed_from = 0;  // bytes that were there already
};

// Fetches `url` to `target`. A partial file of an earlier call is continued where the server confirms that the file is
// still the same (Range with If-Range), else begun anew. Errors (environment, interrupted) keep the partial file,
// except a wrong hash or size, which remove it. Not safe for two processes on one target: hold a FileLock.
Result<Downloaded> download(const Download& download, const std::stop_token& stop);

}  // namespace hone::net
