#include "formats/safetensors_write.h"

#include "base/json.h"

namespace hone::formats {
const char* safetensors_name(tensor::DType dtype) {
  switch (dtype) {
    case tensor::DType::f32:
      return "F32";
    case tensor::DType::f16:
      return "F16";
    case tensor::DType::bf16:
      return "BF16";
    case tensor::DType::i32:
      return "I32";
    case tensor::DType::u8:
      return "U8";
  }
  HONE_CHECK(false);
}

std::uint64_t bytes_of(const SafetensorsEntry& entry) {
  return static_cast<std::uint64_t>(entry.shape.count()) * tensor::size_of(entry.dtype);
}

std::string safetensors_head(std::span<const SafetensorsEntry> entries,
                             const std::map<std::string, std::string>& metadata) {
  // Sorted keys: thousands of tensors in an insertion-ordered object would take quadratic time.
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  std::size_t width = tensor::size_of(tensor::DType::f32);
  for (const SafetensorsEntry& entry : entries) {
    HONE_CHECK(!header.contains(entry.name) && tensor::size_of(entry.dtype) <= width);
    width = tensor::size_of(entry.dtype);
    std::vector<std::int64_t> shape;
    for (int i = 0; i < entry.shape.rank(); ++i) shape.push_back(entry.shape[i]);
    const std::uint64_t end = at + bytes_of(entry);
    header[entry.name] = {{"dtype", safetensors_name(entry.dtype)}, {"shape", shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + text;
}

}  // namespace hone::formats
