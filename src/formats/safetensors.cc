#include "formats/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <tuple>
#include <utility>

#include "base/terminal.h"
#include "base/write_parts.h"
#include "formats/large_json.h"
#include "formats/safetensors_write.h"
#include "tensor/half.h"

namespace hone::formats {

static_assert(std::endian::native == std::endian::little,
              "tensors are read as they lie, on little-endian machines only");

namespace {

constexpr std::uint64_t max_header_bytes = 16ULL << 20;
constexpr std::uint64_t max_dimension = 1ULL << 40;

struct DtypeFacts {
  const char* name;
  std::uint64_t bits;
  std::optional<tensor::DType> dtype;  // none: Hone checks its place but cannot view it
};

const DtypeFacts* facts_of(const std::string& name) {
  using tensor::DType;
  static constexpr DtypeFacts known[] = {
      {"F32", 32, DType::f32},      {"F16", 16, DType::f16},      {"BF16", 16, DType::bf16},
      {"I32", 32, DType::i32},      {"U8", 8, DType::u8},         {"I8", 8, std::nullopt},
      {"BOOL", 8, std::nullopt},    {"I16", 16, std::nullopt},    {"U16", 16, std::nullopt},
      {"U32", 32, std::nullopt},    {"I64", 64, std::nullopt},    {"U64", 64, std::nullopt},
      {"F64", 64, std::nullopt},    {"C64", 64, std::nullopt},    {"F8_E4M3", 8, std::nullopt},
      {"F8_E5M2", 8, std::nullopt}, {"F8_E8M0", 8, std::nullopt},
  };
  for (const DtypeFacts& facts : known)
    if (name == facts.name) return &facts;
  return nullptr;
}

tensor::Shape shape_of(std::span<const std::int64_t> dims) {
  switch (dims.size()) {
    case 0:
      return {};
    case 1:
      return {dims[0]};
    case 2:
      return {dims[0], dims[1]};
    case 3:
      return {dims[0], dims[1], dims[2]};
    default:
      return {dims[0], dims[1], dims[2], dims[3]};
  }
}

// A JSON whole number in [0, 2^63); anything else: nothing.
std::optional<std::uint64_t> whole(const Json& json) {
  if (!json.is_number_unsigned()) return std::nullopt;
  const auto value = json.get<std::uint64_t>();
  return value >> 63 == 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

class SafetensorsParser {
 public:
  SafetensorsParser(std::string_view bytes, std::string_view where) : bytes_(bytes), where_(printable(where)) {}

  Result<SafetensorsFile> run() {
    Result<Json> header = read_header();
    if (!header) return tl::unexpected<Error>(header.error());
    SafetensorsFile file;
    file.where_ = where_;
    for (const auto& [name, entry] : header->items()) {
      Result<void> read = name == "__metadata__" ? read_metadata(entry, file) : read_tensor(name, entry, file);
      if (!read) return tl::unexpected<Error>(read.error());
    }
    Result<void> covered = check_cover();
    if (!covered) return tl::unexpected<Error>(covered.error());
    return file;
  }

 private:
  struct Place {
    std::uint64_t begin;
    std::uint64_t end;
    std::string name;
  };

  template <class... Args>
  tl::unexpected<Error> damaged(fmt::format_string<Args...> format, Args&&... args) const {
    return bad_input("{}: {}; the file is damaged or incomplete: get it again", where_,
                     fmt::format(format, std::forward<Args>(args)...));
  }

  Result<Json> read_header() {
    if (bytes_.size() < 8)
      return damaged("a safetensors file begins with a header length of 8 bytes, this one has {} bytes", bytes_.size());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof(length));
    if (length > max_header_bytes)
      return bad_input("{}: the header claims {} bytes, over the limit of {}; not a safetensors file, or damaged",
                       where_, length, max_header_bytes);
    if (length > bytes_.size() - 8)
      return damaged("the header claims {} bytes, but only {} follow", length, bytes_.size() - 8);
    data_ = bytes_.substr(8 + length);
    Result<Json> header = parse_large_json(bytes_.substr(8, length), where_ + " (header)");
    if (header && !header->is_object()) return damaged("the header must be a JSON object");
    return header;
  }

  Result<void> read_metadata(const Json& entry, SafetensorsFile& file) const {
    if (!entry.is_object()) return damaged("__metadata__ must be an object of texts");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) return damaged("__metadata__ entry '{}' must be a text", printable(key));
      file.metadata_[key] = value.get<std::string>();
    }
    return {};
  }

  Result<void> read_tensor(const std::string& name, const Json& entry, SafetensorsFile& file) {
    const std::string shown = printable(name);
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets"))
      return damaged("tensor '{}' must have dtype, shape and data_offsets", shown);
    const Json& dtype = entry["dtype"];
    const DtypeFacts* facts = dtype.is_string() ? facts_of(dtype.get<std::string>()) : nullptr;
    if (facts == nullptr)
      return make_error(ErrorCode::unsupported, "{}: tensor '{}' has the unknown dtype {}", where_, shown,
                        clipped(to_text(dtype), 40));
    Result<std::vector<std::int64_t>> dims = read_shape(entry["shape"], shown);
    if (!dims) return tl::unexpected<Error>(dims.error());
    Result<Place> place = read_place(entry["data_offsets"], shown);
    if (!place) return tl::unexpected<Error>(place.error());
    std::uint64_t size = facts->bits / 8;
    for (const std::int64_t dim : *dims) size *= static_cast<std::uint64_t>(dim);
    if (place->end - place->begin != size)
      return damaged("tensor '{}' of {} values has {} bytes, expected {}", shown, size / (facts->bits / 8),
                     place->end - place->begin, size);
    places_.push_back({place->begin, place->end, name});
    if (!facts->dtype) {
      file.unsupported_[name] = fmt::format("dtype {}", facts->name);
    } else if (dims->size() > 4) {
      file.unsupported_[name] = fmt::format("{} dimensions", dims->size());
    } else {
      file.tensors_[name] = {data_.data() + place->begin, shape_of(*dims), *facts->dtype};
    }
    return {};
  }

  // The product of the dimensions is kept below 2^60, so that sizes in bytes cannot overflow.
  Result<std::vector<std::int64_t>> read_shape(const Json& json, const std::string& shown) const {
    if (!json.is_array()) return damaged("tensor '{}': shape must be a list", shown);
    std::vector<std::int64_t> dims;
    std::uint64_t count = 1;
    for (const Json& item : json) {
      const auto dim = whole(item);
      if (!dim || *dim > max_dimension || (*dim > 0 && count > (1ULL << 59) / *dim))
        return damaged("tensor '{}' has the impossible shape {}", shown, clipped(to_text(json), 80));
      count *= std::max<std::uint64_t>(*dim, 1);
      dims.push_back(static_cast<std::int64_t>(*dim));
    }
    return dims;
  }

  Result<Place> read_place(const Json& json, const std::string& shown) const {
    if (!json.is_array() || json.size() != 2) return damaged("tensor '{}': data_offsets must be two numbers", shown);
    const auto begin = whole(json[0]);
    const auto end = whole(json[1]);
    if (!begin || !end || *begin > *end || *end > data_.size())
      return damaged("tensor '{}' lies at {}, outside the {} bytes of data", shown, clipped(to_text(json), 60),
                     data_.size());
    return Place{*begin, *end, {}};
  }

  Result<void> check_cover() {
    std::sort(places_.begin(), places_.end(),
              [](const Place& a, const Place& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    std::uint64_t at = 0;
    for (const Place& place : places_) {
      if (place.begin != at)
        return damaged("tensor '{}' begins at byte {}, expected {}: tensors may not overlap or leave holes",
                       printable(place.name), place.begin, at);
      at = place.end;
    }
    if (at != data_.size())
      return damaged("the tensors end at byte {} of the data, which has {} bytes", at, data_.size());
    return {};
  }

  std::string_view bytes_;
  std::string where_;
  std::string_view data_;
  std::vector<Place> places_;
};

Result<SafetensorsFile> SafetensorsFile::parse(std::string_view bytes, std::string_view where) {
  return SafetensorsParser(bytes, where).run();
}

Result<SafetensorsFile> SafetensorsFile::open(const Path& path) {
  Result<MappedFile> map = MappedFile::open(path);
  if (!map) return tl::unexpected<Error>(map.error());
  Result<SafetensorsFile> file = parse(map->bytes(), path.string());
  if (file) file->file_ = std::move(*map);
  return file;
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> all;
  all.reserve(tensors_.size() + unsupported_.size());
  for (const auto& [name, view] : tensors_) all.push_back(name);
  for (const auto& [name, why] : unsupported_) all.push_back(name);
  std::sort(all.begin(), all.end());
  return all;
}

bool SafetensorsFile::contains(std::string_view name) const {
  return tensors_.find(name) != tensors_.end() || unsupported_.find(name) != unsupported_.end();
}

Result<tensor::ConstView> SafetensorsFile::view(std::string_view name) const {
  if (const auto found = tensors_.find(name); found != tensors_.end()) return found->second;
  if (const auto found = unsupported_.find(name); found != unsupported_.end())
    return make_error(ErrorCode::unsupported, "{}: tensor '{}' has {}, which Hone does not read", where_,
                      printable(name), found->second);
  return bad_input("{}: there is no tensor '{}'", where_, printable(name));
}

Result<tensor::Tensor> SafetensorsFile::f32(std::string_view name) const {
  Result<tensor::ConstView> found = view(name);
  if (!found) return tl::unexpected<Error>(found.error());
  const tensor::ConstView& source = *found;
  if (source.dtype == tensor::DType::i32 || source.dtype == tensor::DType::u8)
    return make_error(ErrorCode::unsupported, "{}: tensor '{}' is {}, expected F32, F16 or BF16", where_,
                      printable(name), safetensors_name(source.dtype));
  tensor::Tensor out = tensor::Tensor::empty(source.shape);
  const auto count = static_cast<std::size_t>(source.shape.count());
  if (count == 0) return out;
  float* to = out.f32();
  if (source.dtype == tensor::DType::f32) {
    std::memcpy(to, source.data, count * sizeof(float));
    return out;
  }
  const auto* from = static_cast<const unsigned char*>(source.data);
  const bool brain = source.dtype == tensor::DType::bf16;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, from + 2 * i, sizeof(half));
    to[i] = brain ? tensor::f32_of_bf16(half) : tensor::f32_of_f16(half);
  }
  return out;
}

namespace {

// A file's head and, in order, the bytes of its tensors, which are borrowed.
struct Laid {
  std::string head;
  std::vector<std::string_view> values;
};

Laid laid_out(std::span<const NamedView> tensors, const std::map<std::string, std::string>& metadata) {
  std::vector<const NamedView*> order;
  for (const NamedView& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const NamedView* a, const NamedView* b) {
    return tensor::size_of(a->view.dtype) > tensor::size_of(b->view.dtype);
  });
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const NamedView* tensor : order) {
    HONE_CHECK(tensor->name != "__metadata__" && !header.contains(tensor->name));
    Json shape = Json::array();
    for (int i = 0; i < tensor->view.shape.rank(); ++i) shape.push_back(tensor->view.shape[i]);
    const std::uint64_t end =
        at + static_cast<std::uint64_t>(tensor->view.shape.count()) * tensor::size_of(tensor->view.dtype);
    header[tensor->name] = {
        {"dtype", safetensors_name(tensor->view.dtype)}, {"shape", shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = to_text(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  HONE_CHECK(text.size() <= max_header_bytes);
  const std::uint64_t length = text.size();
  Laid laid{std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + text, {}};
  for (const NamedView* tensor : order)
    laid.values.emplace_back(
        static_cast<const char*>(tensor->view.data),
        static_cast<std::size_t>(tensor->view.shape.count()) * tensor::size_of(tensor->view.dtype));
  return laid;
}

}  // namespace

std::string safetensors_bytes(std::span<const NamedView> tensors, const std::map<std::string, std::string>& metadata) {
  Laid laid = laid_out(tensors, metadata);
  std::string out = std::move(laid.head);
  for (const std::string_view values : laid.values) out += values;
  return out;
}

void write_safetensors(const Path& path, std::span<const NamedView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const Laid laid = laid_out(tensors, metadata);
  std::vector<std::string_view> parts = {laid.head};
  parts.insert(parts.end(), laid.values.begin(), laid.values.end());
  write_parts(path, parts);
}

}  // namespace hone::formats
