// GGUF model files (versions 2 and 3, little-endian), read by mmap. Safe on hostile files: every offset, count and
// length is checked against the file's size before use, and at most 16 times the file's metadata is allocated.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/files.h"
#include "tensor/ggml_type.h"
#include "tensor/tensor.h"

namespace hone::formats {

using tensor::BlockLayout;
using tensor::GgmlType;
using tensor::layout_of;
using tensor::name_of;

struct GgufTensor {
  std::string name;
  GgmlType type = GgmlType::f32;
  // Row-major as everywhere in Hone: [out, in] for a weight (the reverse of ggml's ne order).
  tensor::Shape shape;
  std::string_view bytes;  // inside the map
};

using GgufValue = std::variant<std::uint64_t, std::int64_t, double, bool, std::string, std::vector<std::int64_t>,
                               std::vector<double>, std::vector<std::string>>;
using GgufMetadata = std::map<std::string, GgufValue, std::less<>>;

class GgufFile {
 public:
  // A tensor of an unsupported type is refused by name and type.
  static Result<GgufFile> open(const Path& path);
  // The same for bytes in memory, which must outlive the result; `where` names them in errors.
  static Result<GgufFile> parse(std::string_view bytes, std::string_view where);
  // Empty where the bytes lay in memory.
  const MappedFile& map() const { return file_; }
  const GgufMetadata& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufTensor* find(std::string_view name) const;

  // Typed metadata; absent or of another type: nullopt. Any integer type reads as integer.
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  const std::string* string(std::string_view key) const;
  const std::vector<std::string>* strings(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key) const;

 private:
  friend class GgufParser;
  MappedFile file_;
  GgufMetadata metadata_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

// Dequantises rows [begin, end) of `source` (2-D, or 1-D as one row) into `out`, f32 [end - begin, columns], exactly as
// ggml's reference code does (ggml-quants.c).
void dequantize_rows(const GgufTensor& source, std::int64_t begin, std::int64_t end, std::span<float> out);

// The bytes of a GGUF version 3 file. Unsigned metadata is written as u32 where it fits, else u64; signed as i32, else
// i64; floating point as f32 (what llama.cpp expects of its keys). A tensor's bytes must match its type and shape.
std::string gguf_bytes(const GgufMetadata& metadata, std::span<const GgufTensor> tensors);
// All before the first tensor's bytes (GgufTensor::bytes is not looked at): the tensors follow in order, each filled up
// with zeros to a multiple of gguf_alignment bytes. For files too large to be held in memory.
std::string gguf_head(const GgufMetadata& metadata, std::span<const GgufTensor> tensors);
inline constexpr std::size_t gguf_alignment = 32;

}  // namespace hone::formats
