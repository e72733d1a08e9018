#include "formats/gguf.h"

#include <limits>
#include <utility>

namespace hone::formats {

Result<GgufFile> GgufFile::open(const Path& path) {
  Result<MappedFile> map = MappedFile::open(path);
  if (!map) return tl::unexpected<Error>(map.error());
  Result<GgufFile> file = parse(map->bytes(), path.string());
  if (file) file->file_ = std::move(*map);
  return file;
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

namespace {

template <class T>
const T* value_at(const GgufMetadata& metadata, std::string_view key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : std::get_if<T>(&found->second);
}

}  // namespace

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
  if (const auto* value = value_at<std::int64_t>(metadata_, key)) return *value;
  if (const auto* value = value_at<std::uint64_t>(metadata_, key))
    if (*value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return static_cast<std::int64_t>(*value);
  return std::nullopt;
}

std::optional<double> GgufFile::number(std::string_view key) const {
  if (const auto* value = value_at<double>(metadata_, key)) return *value;
  if (const auto whole = integer(key)) return static_cast<double>(*whole);
  return std::nullopt;
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const auto* value = value_at<bool>(metadata_, key);
  return value == nullptr ? std::nullopt : std::optional<bool>(*value);
}

const std::string* GgufFile::string(std::string_view key) const { return value_at<std::string>(metadata_, key); }

const std::vector<std::string>* GgufFile::strings(std::string_view key) const {
  return value_at<std::vector<std::string>>(metadata_, key);
}

std::vector<std::int64_t> GgufFile::integers(std::string_view key) const {
  const auto* values = value_at<std::vector<std::int64_t>>(metadata_, key);
  return values == nullptr ? std::vector<std::int64_t>{} : *values;
}

void dequantize_rows(const GgufTensor& source, std::int64_t begin, std::int64_t end, std::span<float> out) {
  const tensor::Shape& shape = source.shape;
  HONE_CHECK(shape.rank() == 1 || shape.rank() == 2);
  const std::int64_t rows = shape.rank() == 1 ? 1 : shape[0];
  const std::int64_t columns = shape[shape.rank() - 1];
  HONE_CHECK(0 <= begin && begin <= end && end <= rows);
  HONE_CHECK(out.size() == static_cast<std::size_t>((end - begin) * columns));
  if (out.empty()) return;
  const BlockLayout layout = layout_of(source.type);
  HONE_CHECK(columns % layout.values == 0);
  const std::int64_t row_bytes = columns / layout.values * layout.bytes;
  HONE_CHECK(source.bytes.size() == static_cast<std::size_t>(rows * row_bytes));
  tensor::widen_blocks(source.type, source.bytes.data() + begin * row_bytes, (end - begin) * columns / layout.values,
                       out.data());
}

}  // namespace hone::formats
