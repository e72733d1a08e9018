// Progress with rate and time left, on stderr: a line rewritten in place on a terminal, a line every ten seconds
// otherwise. Nothing is printed before two seconds have passed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hone {

class Progress {
 public:
  // `unit` is what is counted ("rows", "tokens", "bytes"); total 0 means unknown. `quiet` prints nothing.
  struct Options {
    std::string label;
    std::string unit;
    std::uint64_t total = 0;
    std::uint64_t first = 0;  // done before this start: not counted in the rate
    bool quiet = false;
  };
  explicit Progress(Options options);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of the total so far; `note` is shown at the end of the line ("loss 0.213").
  void update(std::uint64_t done, const std::string& note = {});

 private:
  void print(std::uint64_t done, const std::string& note);

  Options options_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
  bool printed_ = false;
  bool terminal_ = false;
};

// "1 h 02 m", "3 m 20 s", "8 s".
std::string duration_text(double seconds);
// "98.4 MB".
std::string bytes_text(std::uint64_t bytes);

}  // namespace hone
