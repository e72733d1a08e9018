// safetensors files: 8-byte little-endian header length, JSON header, raw tensors. Read by mmap, safe on hostile files:
// the header is at most 16 MiB, and the tensors must cover the data exactly, without holes or overlap.
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
  // The same for bytes in memory, which must outlive the result; `where` names them in errors.
  static Result<SafetensorsFile> parse(std::string_view bytes, std::string_view where);
  // Sorted; tensors that Hone cannot view (see below) are among them.
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;
  // F32, F16, BF16, I32 or U8 tensors as they lie in the file (views may be unaligned for their dtype: copy bytes).
  // Other dtypes, and more than four dimensions, are an error (unsupported) that names the tensor.
  Result<tensor::ConstView> view(std::string_view name) const;
  // The tensor converted to f32 (from F32, F16 or BF16).
  Result<tensor::Tensor> f32(std::string_view name) const;
  // Empty where the bytes lay in memory.
  const MappedFile& map() const { return file_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  friend class SafetensorsParser;
  MappedFile file_;
  std::string where_;
  std::map<std::string, tensor::ConstView, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> unsupported_;  // name -> why
  std::map<std::string, std::string> metadata_;
};

struct NamedView {
  std::string name;
  tensor::ConstView view;
};
// The bytes of a safetensors file; names must differ. Wider dtypes come first, so that every tensor is aligned.
std::string safetensors_bytes(std::span<const NamedView> tensors, const std::map<std::string, std::string>& metadata);
// Written aside, fsynced, renamed.
void write_safetensors(const Path& path, std::span<const NamedView> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace hone::formats
