// A bound on the heap that a parser may hold: what the fuzzed file's size earns it. heap_bound.cc replaces operator new
// and delete to count it; what C libraries take by malloc is not counted.
#pragma once

#include <cstddef>

namespace fuzz {

// Aborts where, between its beginning and its end, more than `fixed` + `factor` * `size` bytes were held at once beyond
// those held before. One at a time.
class HeapBound {
 public:
  HeapBound(std::size_t fixed, std::size_t factor, std::size_t size);
  ~HeapBound();
  HeapBound(const HeapBound&) = delete;
  HeapBound& operator=(const HeapBound&) = delete;

 private:
  std::size_t before_;
  std::size_t limit_;
  std::size_t size_;
};

}  // namespace fuzz
