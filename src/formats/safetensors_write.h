// Safetensors files too large to be held in memory: the head, then tensors one after another.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "tensor/tensor.h"

namespace hone::formats {

// "F32", "F16", "BF16", "I32" or "U8".
const char* safetensors_name(tensor::DType dtype);

struct SafetensorsEntry {
  std::string name;
  tensor::Shape shape;
  tensor::DType dtype = tensor::DType::f32;
};

// Bytes of its values.
std::uint64_t bytes_of(const SafetensorsEntry& entry);

// All before the first tensor's bytes; the tensors follow in the order of `entries`, without gaps. Names must differ,
// and a wider dtype must not follow a narrower one (so that every tensor is aligned).
std::string safetensors_head(std::span<const SafetensorsEntry> entries,
                             const std::map<std::string, std::string>& metadata);

}  // namespace hone::formats
