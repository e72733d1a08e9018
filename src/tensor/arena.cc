#include "tensor/arena.h"

#include <algorithm>

namespace hone::tensor {

std::byte* Arena::take(std::size_t bytes) {
  // More than glibc's largest threshold for mapping memory on its own (32 MiB): what is given back goes back to the
  // system instead of staying in a heap beside the chunk that takes its place. Pages not touched cost nothing.
  constexpr std::size_t least = std::size_t{64} << 20;
  bytes = (bytes + 63) / 64 * 64;
  HONE_CHECK(depth_ > 0);
  while (chunk_ < chunks_.size() && used_ + bytes > chunks_[chunk_].bytes()) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    chunks_.push_back(Tensor::empty({static_cast<std::int64_t>(std::max(bytes, least))}, DType::u8));
    used_ = 0;
  }
  std::byte* memory = static_cast<std::byte*>(chunks_[chunk_].view().data) + used_;
  used_ += bytes;
  return memory;
}

float* Arena::floats(std::int64_t count) {
  HONE_CHECK(count >= 0);
  return reinterpret_cast<float*>(take(static_cast<std::size_t>(count) * sizeof(float)));
}

std::int32_t* Arena::ints(std::int64_t count) {
  HONE_CHECK(count >= 0);
  return reinterpret_cast<std::int32_t*>(take(static_cast<std::size_t>(count) * sizeof(std::int32_t)));
}

Arena::Scope::~Scope() {
  arena_.chunk_ = chunk_;
  arena_.used_ = used_;
  if (--arena_.depth_ > 0 || arena_.chunks_.size() < 2) return;
  std::size_t total = 0;
  for (const Tensor& chunk : arena_.chunks_) total += chunk.bytes();
  arena_.chunks_.clear();
  arena_.chunks_.push_back(Tensor::empty({static_cast<std::int64_t>(total)}, DType::u8));
}

}  // namespace hone::tensor
