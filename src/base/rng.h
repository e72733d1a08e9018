// Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): the n-th number of (seed, stream) is a pure
// function, so a resumed run draws what the unbroken one would have.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace hone {

class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  std::uint64_t next();
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Standard normal (Box-Muller, one draw a call, two counters).
  double normal();
  // Uniform in [0, n), without modulo bias. n > 0.
  std::uint64_t below(std::uint64_t n);
  // Draws so far: save it, and seek() to it, to resume.
  std::uint64_t position() const { return counter_; }
  void seek(std::uint64_t position) { counter_ = position; }

  // Fisher-Yates.
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_ = 0;
};

}  // namespace hone
