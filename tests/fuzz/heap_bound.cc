#include "heap_bound.h"

#include <malloc.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> heap_now{0};
std::atomic<std::size_t> heap_most{0};

}  // namespace

void* operator new(std::size_t size) {
  void* made = std::malloc(size);
  if (made == nullptr) throw std::bad_alloc();
  const std::size_t now = heap_now += malloc_usable_size(made);
  std::size_t most = heap_most;
  while (now > most && !heap_most.compare_exchange_weak(most, now)) {
  }
  return made;
}
void operator delete(void* made) noexcept {
  heap_now -= malloc_usable_size(made);
  std::free(made);
}
void operator delete(void* made, std::size_t) noexcept { operator delete(made); }

namespace fuzz {

HeapBound::HeapBound(std::size_t fixed, std::size_t factor, std::size_t size)
    : before_(heap_now), limit_(fixed + factor * size), size_(size) {
  heap_most = before_;
}

HeapBound::~HeapBound() {
  const std::size_t held = heap_most - before_;
  if (held <= limit_) return;
  std::fprintf(stderr, "%zu bytes of heap for a file of %zu; at most %zu are allowed\n", held, size_, limit_);
  std::abort();
}

}  // namespace fuzz
