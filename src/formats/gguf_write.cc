#include <cstring>
#include <limits>
#include <type_traits>

#include "formats/gguf.h"

namespace hone::formats {
namespace {

template <class T>
void put(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void put_text(std::string& out, std::string_view text) {
  put<std::uint64_t>(out, text.size());
  out.append(text);
}

void put_type(std::string& out, std::uint32_t type) { put<std::uint32_t>(out, type); }

// Each overload writes the value's type, then the value.
void put_value(std::string& out, std::uint64_t value) {
  if (value > std::numeric_limits<std::uint32_t>::max()) {
    put_type(out, 10);
    put<std::uint64_t>(out, value);
  } else {
    put_type(out, 4);
    put<std::uint32_t>(out, static_cast<std::uint32_t>(value));
  }
}

bool fits_i32(std::int64_t value) {
  return value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
}

void put_value(std::string& out, std::int64_t value) {
  if (fits_i32(value)) {
    put_type(out, 5);
    put<std::int32_t>(out, static_cast<std::int32_t>(value));
  } else {
    put_type(out, 11);
    put<std::int64_t>(out, value);
  }
}

void put_value(std::string& out, double value) {
  put_type(out, 6);
  put<float>(out, static_cast<float>(value));
}

void put_value(std::string& out, bool value) {
  put_type(out, 7);
  put<std::uint8_t>(out, value ? 1 : 0);
}

void put_value(std::string& out, const std::string& value) {
  put_type(out, 8);
  put_text(out, value);
}

void put_array_head(std::string& out, std::uint32_t type, std::size_t count) {
  put_type(out, 9);
  put_type(out, type);
  put<std::uint64_t>(out, count);
}

void put_value(std::string& out, const std::vector<std::int64_t>& values) {
  bool narrow = true;
  for (const std::int64_t value : values) narrow = narrow && fits_i32(value);
  put_array_head(out, narrow ? 5 : 11, values.size());
  for (const std::int64_t value : values) {
    if (narrow) {
      put<std::int32_t>(out, static_cast<std::int32_t>(value));
    } else {
      put<std::int64_t>(out, value);
    }
  }
}

void put_value(std::string& out, const std::vector<double>& values) {
  put_array_head(out, 6, values.size());
  for (const double value : values) put<float>(out, static_cast<float>(value));
}

void put_value(std::string& out, const std::vector<std::string>& values) {
  put_array_head(out, 8, values.size());
  for (const std::string& value : values) put_text(out, value);
}

void pad(std::string& out) { out.resize((out.size() + gguf_alignment - 1) / gguf_alignment * gguf_alignment, '\0'); }

std::size_t size_of(const GgufTensor& tensor) {
  const BlockLayout layout = layout_of(tensor.type);
  HONE_CHECK(tensor.shape.rank() >= 1);
  HONE_CHECK(tensor.shape[tensor.shape.rank() - 1] % layout.values == 0);
  return static_cast<std::size_t>(tensor.shape.count() / layout.values * layout.bytes);
}

}  // namespace

std::string gguf_head(const GgufMetadata& metadata, std::span<const GgufTensor> tensors) {
  HONE_CHECK(!metadata.contains("general.alignment"));
  std::string out = "GGUF";
  put<std::uint32_t>(out, 3);
  put<std::uint64_t>(out, tensors.size());
  put<std::uint64_t>(out, metadata.size());
  for (const auto& [key, value] : metadata) {
    put_text(out, key);
    std::visit([&out](const auto& held) { put_value(out, held); }, value);
  }
  std::uint64_t offset = 0;
  for (const GgufTensor& tensor : tensors) {
    put_text(out, tensor.name);
    put<std::uint32_t>(out, static_cast<std::uint32_t>(tensor.shape.rank()));
    for (int i = tensor.shape.rank() - 1; i >= 0; --i)
      put<std::uint64_t>(out, static_cast<std::uint64_t>(tensor.shape[i]));
    put<std::uint32_t>(out, static_cast<std::uint32_t>(tensor.type));
    put<std::uint64_t>(out, offset);
    offset += (size_of(tensor) + gguf_alignment - 1) / gguf_alignment * gguf_alignment;
  }
  if (!tensors.empty()) pad(out);
  return out;
}

std::string gguf_bytes(const GgufMetadata& metadata, std::span<const GgufTensor> tensors) {
  std::string out = gguf_head(metadata, tensors);
  for (const GgufTensor& tensor : tensors) {
    HONE_CHECK(tensor.bytes.size() == size_of(tensor));
    pad(out);
    out.append(tensor.bytes);
  }
  return out;
}

}  // namespace hone::formats
