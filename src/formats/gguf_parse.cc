// The file: magic "GGUF", version u32, tensor count u64, metadata count u64, the metadata (key, type u32, value), the
// tensor list (name, rank u32, dims u64, type u32, offset u64), padding to the alignment, the tensors' bytes.
// A string is a u64 length and its bytes; an array is an element type u32, a count u64 and its elements.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "base/terminal.h"
#include "formats/gguf.h"
#include "formats/gguf_types.h"

namespace hone::formats {

static_assert(std::endian::native == std::endian::little, "GGUF is read as it lies, on little-endian machines only");

namespace {

// Metadata value types, numbers as in the file.
enum class ValueType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
constexpr std::uint32_t value_types = 13;

constexpr std::uint64_t max_name_bytes = 65535;
constexpr std::uint64_t max_dimension = 1ULL << 40;
constexpr std::uint64_t max_alignment = 1ULL << 16;
// Smallest forms in the file: what a count is checked against before anything is allocated.
constexpr std::uint64_t min_entry_bytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t min_tensor_bytes = 8 + 1 + 4 + 8 + 4 + 8;

std::uint64_t min_bytes(ValueType type) {
  switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
      return 1;
    case ValueType::u16:
    case ValueType::i16:
      return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    default:
      return 8;
  }
}

tensor::Shape shape_of(std::span<const std::int64_t> ne) {
  // ggml's ne[0] runs fastest: our last dimension.
  switch (ne.size()) {
    case 1:
      return {ne[0]};
    case 2:
      return {ne[1], ne[0]};
    case 3:
      return {ne[2], ne[1], ne[0]};
    default:
      return {ne[3], ne[2], ne[1], ne[0]};
  }
}

}  // namespace

// Reads front to back. The first thing wrong is kept in error_ and ends every loop; reads after it give zeros.
class GgufParser {
 public:
  GgufParser(std::string_view bytes, std::string_view where) : bytes_(bytes), where_(where) {}

  Result<GgufFile> run() {
    GgufFile file;
    read_header();
    read_metadata(file);
    read_tensors(file);
    if (error_) return tl::unexpected<Error>(*error_);
    return file;
  }

 private:
  struct Placed {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };

  template <class... Args>
  void refuse(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
    if (error_) return;
    error_ = Error{code, fmt::format("{}: {}", printable(where_), fmt::format(format, std::forward<Args>(args)...))};
  }
  template <class... Args>
  void damaged(fmt::format_string<Args...> format, Args&&... args) {
    refuse(ErrorCode::bad_input, "{}; the file is damaged or incomplete: get it again",
           fmt::format(format, std::forward<Args>(args)...));
  }

  std::uint64_t left() const { return bytes_.size() - at_; }

  bool need(std::uint64_t count, const char* what) {
    if (error_) return false;
    if (count <= left()) return true;
    damaged("{} at byte {} needs {} bytes, but only {} are left", what, at_, count, left());
    return false;
  }

  template <class T>
  T read(const char* what) {
    T value{};
    if (!need(sizeof(T), what)) return value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  std::string read_string(std::uint64_t max, const char* what) {
    const auto length = read<std::uint64_t>(what);
    if (!error_ && length > max)
      damaged("{} at byte {} is {} bytes long, over the limit of {}", what, at_, length, max);
    if (!need(length, what)) return {};
    std::string text(bytes_.substr(at_, length));
    at_ += length;
    return text;
  }

  void read_header() {
    if (bytes_.size() < 24 || bytes_.substr(0, 4) != "GGUF") {
      if (bytes_.substr(0, 4) != "GGUF")
        return refuse(ErrorCode::bad_input, "not a GGUF file (it does not begin with \"GGUF\"); {} bytes",
                      bytes_.size());
      return damaged("a GGUF file has a header of 24 bytes, this one ends after {}", bytes_.size());
    }
    at_ = 4;
    const auto version = read<std::uint32_t>("the version");
    if ((version & 0xFFFFU) == 0)
      return refuse(ErrorCode::unsupported, "a big-endian GGUF file; Hone reads little-endian ones");
    if (version != 2 && version != 3)
      return refuse(ErrorCode::unsupported, "GGUF version {}; Hone reads versions 2 and 3", version);
    tensor_count_ = read<std::uint64_t>("the tensor count");
    metadata_count_ = read<std::uint64_t>("the metadata count");
    if (tensor_count_ > left() / min_tensor_bytes)
      return damaged("the header claims {} tensors, more than {} bytes can hold", tensor_count_, left());
    if (metadata_count_ > left() / min_entry_bytes)
      return damaged("the header claims {} metadata entries, more than {} bytes can hold", metadata_count_, left());
  }

  void read_metadata(GgufFile& file) {
    for (std::uint64_t i = 0; i < metadata_count_ && !error_; ++i) {
      std::string key = read_string(max_name_bytes, "a metadata key");
      if (!error_ && key.empty()) damaged("metadata entry {} has an empty key", i);
      GgufValue value = read_value(key);
      if (error_) return;
      if (!file.metadata_.emplace(key, std::move(value)).second)
        return damaged("metadata key '{}' stands twice", printable(key));
    }
  }

  ValueType read_type(const std::string& key) {
    const auto type = read<std::uint32_t>("a metadata type");
    if (!error_ && type >= value_types)
      damaged("metadata key '{}' has the unknown value type {}", printable(key), type);
    return error_ ? ValueType::u8 : static_cast<ValueType>(type);
  }

  bool read_boolean(const std::string& key) {
    const auto value = read<std::uint8_t>("a truth value");
    if (value > 1) damaged("metadata key '{}' holds the truth value {}, expected 0 or 1", printable(key), value);
    return value == 1;
  }

  GgufValue read_value(const std::string& key) {
    const ValueType type = read_type(key);
    switch (type) {
      case ValueType::u8:
      case ValueType::u16:
      case ValueType::u32:
      case ValueType::u64:
        return read_unsigned(type);
      case ValueType::i8:
      case ValueType::i16:
      case ValueType::i32:
      case ValueType::i64:
        return read_signed(type);
      case ValueType::f32:
        return static_cast<double>(read<float>("a number"));
      case ValueType::f64:
        return read<double>("a number");
      case ValueType::boolean:
        return read_boolean(key);
      case ValueType::string:
        return read_string(bytes_.size(), "a metadata text");
      case ValueType::array:
        return read_array(key);
    }
    return false;
  }

  std::uint64_t read_unsigned(ValueType type) {
    switch (type) {
      case ValueType::u8:
        return read<std::uint8_t>("an integer");
      case ValueType::u16:
        return read<std::uint16_t>("an integer");
      case ValueType::u32:
        return read<std::uint32_t>("an integer");
      default:
        return read<std::uint64_t>("an integer");
    }
  }

  std::int64_t read_signed(ValueType type) {
    switch (type) {
      case ValueType::i8:
        return read<std::int8_t>("an integer");
      case ValueType::i16:
        return read<std::int16_t>("an integer");
      case ValueType::i32:
        return read<std::int32_t>("an integer");
      default:
        return read<std::int64_t>("an integer");
    }
  }

  GgufValue read_array(const std::string& key) {
    const ValueType type = read_type(key);
    const auto count = read<std::uint64_t>("an array's length");
    if (error_) return false;
    if (type == ValueType::array) {
      refuse(ErrorCode::unsupported, "metadata key '{}' is an array of arrays; Hone reads flat arrays", printable(key));
      return false;
    }
    if (count > left() / min_bytes(type)) {
      damaged("metadata key '{}' claims {} elements, more than the {} bytes left can hold", printable(key), count,
              left());
      return false;
    }
    switch (type) {
      case ValueType::string:
        return read_elements<std::string>(count, [&] { return read_string(bytes_.size(), "a text in an array"); });
      case ValueType::f32:
        return read_elements<double>(count, [&] { return static_cast<double>(read<float>("a number")); });
      case ValueType::f64:
        return read_elements<double>(count, [&] { return read<double>("a number"); });
      case ValueType::boolean:
        return read_elements<std::int64_t>(count, [&] { return read_boolean(key) ? 1 : 0; });
      case ValueType::i8:
      case ValueType::i16:
      case ValueType::i32:
      case ValueType::i64:
        return read_elements<std::int64_t>(count, [&] { return read_signed(type); });
      default:
        return read_elements<std::int64_t>(count, [&] { return read_small_unsigned(key, type); });
    }
  }

  std::int64_t read_small_unsigned(const std::string& key, ValueType type) {
    const std::uint64_t value = read_unsigned(type);
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return static_cast<std::int64_t>(value);
    damaged("metadata key '{}' holds {}, over the largest integer supported", printable(key), value);
    return 0;
  }

  template <class T, class ReadOne>
  GgufValue read_elements(std::uint64_t count, ReadOne read_one) {
    std::vector<T> values;
    values.reserve(count);
    for (std::uint64_t i = 0; i < count && !error_; ++i) values.push_back(read_one());
    return values;
  }

  std::uint64_t alignment(const GgufFile& file) {
    if (!file.metadata_.contains("general.alignment")) return 32;
    const std::int64_t value = file.integer("general.alignment").value_or(0);
    const auto alignment = static_cast<std::uint64_t>(value);
    if (value > 0 && std::has_single_bit(alignment) && alignment <= max_alignment) return alignment;
    damaged("general.alignment must be a power of two up to {}, but is {}", max_alignment, value);
    return 32;
  }

  void read_tensors(GgufFile& file) {
    if (error_) return;
    const std::uint64_t align = alignment(file);
    std::vector<Placed> places;
    for (std::uint64_t i = 0; i < tensor_count_ && !error_; ++i) {
      GgufTensor tensor;
      places.push_back(read_tensor_entry(tensor));
      if (error_) return;
      if (places.back().offset % align != 0)
        return damaged("tensor '{}' begins at offset {}, not a multiple of {}", printable(tensor.name),
                       places.back().offset, align);
      if (!file.index_.emplace(tensor.name, file.tensors_.size()).second)
        return damaged("tensor '{}' stands twice", printable(tensor.name));
      file.tensors_.push_back(std::move(tensor));
    }
    if (error_ || file.tensors_.empty()) return;
    const std::uint64_t begin = (at_ + align - 1) / align * align;
    place(file, places, begin);
  }

  // Name, shape, type and place of one tensor; its size is computed here, so that no product can overflow later.
  Placed read_tensor_entry(GgufTensor& tensor) {
    tensor.name = read_string(max_name_bytes, "a tensor's name");
    if (!error_ && tensor.name.empty()) damaged("a tensor before byte {} has no name", at_);
    const auto rank = read<std::uint32_t>("a tensor's rank");
    if (!error_ && (rank < 1 || rank > 4))
      damaged("tensor '{}' has {} dimensions, expected 1 to 4", printable(tensor.name), rank);
    if (error_) return {};
    std::array<std::int64_t, 4> ne{};
    std::uint64_t count = 1;
    for (std::uint32_t i = 0; i < rank; ++i) {
      const auto dim = read<std::uint64_t>("a tensor's dimension");
      if (error_) return {};
      if (dim < 1 || dim > max_dimension || count > (1ULL << 60) / dim) {
        damaged("tensor '{}' has the impossible dimension {}", printable(tensor.name), dim);
        return {};
      }
      count *= dim;
      ne[i] = static_cast<std::int64_t>(dim);
    }
    tensor.shape = shape_of({ne.data(), rank});
    const auto type = read<std::uint32_t>("a tensor's type");
    const auto offset = read<std::uint64_t>("a tensor's offset");
    if (error_) return {};
    const tensor::GgmlTypeFacts* facts = facts_of(type);
    if (facts == nullptr) {
      refuse(ErrorCode::unsupported, "tensor '{}' is of type {}, which Hone does not read (it reads {})",
             printable(tensor.name), name_of_unread(type), read_type_names());
      return {};
    }
    tensor.type = facts->type;
    if (ne[0] % facts->layout.values != 0) {
      damaged("tensor '{}' has rows of {} values, which {} cannot hold (blocks of {})", printable(tensor.name), ne[0],
              facts->name, facts->layout.values);
      return {};
    }
    const auto blocks = count / static_cast<std::uint64_t>(facts->layout.values);
    return {offset, blocks * static_cast<std::uint64_t>(facts->layout.bytes)};
  }

  void place(GgufFile& file, const std::vector<Placed>& places, std::uint64_t begin) {
    const std::uint64_t room = bytes_.size() > begin ? bytes_.size() - begin : 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto [offset, size] = places[i];
      GgufTensor& tensor = file.tensors_[i];
      if (offset > room || size > room - offset)
        return damaged("tensor '{}' needs {} bytes at offset {} of the data, which holds {}", printable(tensor.name),
                       size, offset, room);
      tensor.bytes = bytes_.substr(begin + offset, size);
    }
    std::vector<std::size_t> order(places.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return places[a].offset < places[b].offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const Placed& before = places[order[i - 1]];
      if (before.offset + before.size > places[order[i]].offset)
        return damaged("tensors '{}' and '{}' overlap", printable(file.tensors_[order[i - 1]].name),
                       printable(file.tensors_[order[i]].name));
    }
  }

  std::string_view bytes_;
  std::string_view where_;
  std::size_t at_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t metadata_count_ = 0;
  std::optional<Error> error_;
};

Result<GgufFile> GgufFile::parse(std::string_view bytes, std::string_view where) {
  return GgufParser(bytes, where).run();
}

}  // namespace hone::formats
