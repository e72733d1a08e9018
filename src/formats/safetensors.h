// safetensors files: 8-byte little-endian header length, JSON header, raw tensors. Read by mmap, safe on hostile files.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "tensor/tensor.h"

namespace hone::formats {

class SafetensorsFile {
 public:
  static Result<SafetensorsFile> open(const Path& path);
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;
  // F32, F16, BF16, I32 or U8 tensors as they lie in the file (views may be unaligned for their dtype: copy bytes).
  Result<tensor::ConstView> view(std::string_view name) const;
  // The tensor converted to f32 (from F32, F16 or BF16).
  Result<tensor::Tensor> f32(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  MappedFile file_;
  std::map<std::string, tensor::ConstView, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

struct NamedView {
  std::string name;
  tensor::ConstView view;
};
// Written aside, fsynced, renamed.
void write_safetensors(const Path& path, std::span<const NamedView> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace hone::formats
