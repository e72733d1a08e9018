// Memory for the intermediate values of one pass: taken in stack order, given back all at once, kept for the next pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace hone::tensor {

// One user at a time. Memory handed out is not cleared.
class Arena {
 public:
  // `count` uninitialised values, 64-byte aligned, valid until the Scope that was open when they were taken ends.
  float* floats(std::int64_t count);
  std::int32_t* ints(std::int64_t count);

  // Gives back what was taken since it was opened.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), chunk_(arena.chunk_), used_(arena.used_) { ++arena_.depth_; }
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    std::size_t chunk_;
    std::size_t used_;
  };

 private:
  std::byte* take(std::size_t bytes);

  std::vector<Tensor> chunks_;  // u8; several only until the outermost scope ends, then one of their total size
  std::size_t chunk_ = 0;       // in use now
  std::size_t used_ = 0;        // bytes of it taken
  int depth_ = 0;
};

}  // namespace hone::tensor
