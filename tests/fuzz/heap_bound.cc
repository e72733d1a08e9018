#include "heap_bound.h"

#include <malloc.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HONE_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HONE_ADDRESS_SANITIZER
#endif

namespace {

std::atomic<std::size_t> heap_now{0};
std::atomic<std::size_t> heap_most{0};

void count(std::size_t bytes) {
  const std::size_t now = heap_now += bytes;
  std::size_t most = heap_most;
  while (now > most && !heap_most.compare_exchange_weak(most, now)) {
  }
}

}  // namespace

#ifdef HONE_ADDRESS_SANITIZER

#include <sanitizer/allocator_interface.h>

namespace {

void on_malloc(const volatile void*, std::size_t size) { count(size); }
void on_free(const volatile void* made) {
  if (made != nullptr) heap_now -= __sanitizer_get_allocated_size(const_cast<const void*>(made));
}
const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace

#else

void* operator new(std::size_t size) {
  void* made = std::malloc(size);
  if (made == nullptr) throw std::bad_alloc();
  count(malloc_usable_size(made));
  return made;
}
void operator delete(void* made) noexcept {
  heap_now -= malloc_usable_size(made);
  std::free(made);
}
void operator delete(void* made, std::size_t) noexcept { operator delete(made); }

#endif

namespace fuzz {

HeapBound::HeapBound(std::size_t fixed, std::size_t factor, std::size_t size)
    : before_(heap_now), limit_(fixed + factor * size), size_(size) {
  heap_most = before_;
}

HeapBound::~HeapBound() {
  const std::size_t most = heap_most;
  const std::size_t held = most > before_ ? most - before_ : 0;
  if (held <= limit_) return;
  std::fprintf(stderr, "%zu bytes of heap for a file of %zu; at most %zu are allowed\n", held, size_, limit_);
  std::abort();
}

}  // namespace fuzz
