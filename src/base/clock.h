// Wall-clock times as text and seconds since a start.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hone {

// "2026-11-24T03:42:39Z"
std::string utc_now();
// "2026-11-24"
std::string utc_today();

class Stopwatch {
 public:
  Stopwatch() : start_(std::chrono::steady_clock::now()) {}
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_;
};

// Largest resident set of this process so far, bytes (ru_maxrss).
std::uint64_t peak_memory_bytes();

}  // namespace hone
