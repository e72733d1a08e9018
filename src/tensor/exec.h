// Where and with what an op runs: threads and scratch memory. The first argument of every op; never global.
#pragma once

#include <cstddef>
#include <memory>

#include "base/threads.h"
#include "tensor/arena.h"
#include "tensor/tensor.h"

namespace hone::tensor {

// One caller at a time: two threads that run ops concurrently need an Exec each.
class Exec {
 public:
  explicit Exec(int threads = 0);
  ~Exec();
  ThreadPool& threads() { return pool_; }
  // `bytes` of 64-byte aligned scratch for `worker`, valid until the next call for that worker; grows, never shrinks.
  std::byte* scratch(int worker, std::size_t bytes);
  // Intermediate values that outlive one op; taken by the calling thread only.
  Arena& arena() { return arena_; }

 private:
  ThreadPool pool_;
  Arena arena_;
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace hone::tensor
