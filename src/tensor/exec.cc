#include "tensor/exec.h"

#include <algorithm>
#include <vector>

namespace hone::tensor {

struct Exec::Scratch {
  std::vector<Tensor> workers;
};

Exec::Exec(int threads) : pool_(threads), scratch_(std::make_unique<Scratch>()) {
  scratch_->workers.resize(static_cast<std::size_t>(pool_.size()));
}

Exec::~Exec() = default;

std::byte* Exec::scratch(int worker, std::size_t bytes) {
  Tensor& memory = scratch_->workers.at(static_cast<std::size_t>(worker));
  const std::size_t have = memory.bytes();
  if (have < bytes) {
    memory = Tensor();
    memory = Tensor::empty({static_cast<std::int64_t>(std::max(bytes, have + have / 2))}, DType::u8);
  }
  return static_cast<std::byte*>(memory.view().data);
}

}  // namespace hone::tensor
