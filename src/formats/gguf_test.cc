#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/rng.h"
#include "formats/safetensors.h"

namespace {
// The largest single allocation since it was last set to zero.
std::atomic<std::size_t> largest_allocation{0};
}  // namespace

// Not inlined: g++ 12 would otherwise see free() of what operator new gave, and warn.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (bytes > largest_allocation) largest_allocation = bytes;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  if (bytes > largest_allocation) largest_allocation = bytes;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace hone::formats {
namespace {

const Path golden = Path(HONE_SOURCE_DIR) / "tests" / "golden";

// A GGUF file spelled out field by field, so that any field can be wrong.
class Raw {
 public:
  explicit Raw(std::uint64_t tensors, std::uint64_t entries, std::uint32_t version = 3) {
    bytes_ = "GGUF";
    put(version).put(tensors).put(entries);
  }
  template <class T>
  Raw& put(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes_.append(raw, sizeof(T));
    return *this;
  }
  Raw& text(std::string_view value) {
    put<std::uint64_t>(value.size());
    bytes_.append(value);
    return *this;
  }
  Raw& u32_entry(std::string_view key, std::uint32_t value) {
    return text(key).put<std::uint32_t>(4).put<std::uint32_t>(value);
  }
  Raw& tensor(std::string_view name, std::vector<std::uint64_t> dims, std::uint32_t type, std::uint64_t offset) {
    text(name).put(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims) put(dim);
    return put(type).put(offset);
  }
  Raw& data(std::size_t bytes) {
    bytes_.resize((bytes_.size() + 31) / 32 * 32 + bytes);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }
  std::string error() const {
    const Result<GgufFile> file = GgufFile::parse(bytes_, "x.gguf");
    return file ? "" : file.error().message;
  }

 private:
  std::string bytes_;
};

void expect_says(const Raw& raw, std::string_view part) {
  EXPECT_NE(raw.error().find(part), std::string::npos) << "expected '" << part << "' in: " << raw.error();
}

std::string small_file() {
  static const std::vector<float> values(64, 1.5F);
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), 64 * sizeof(float));
  const GgufMetadata metadata = {{"general.architecture", std::string("llama")},
                                 {"llama.block_count", std::uint64_t{1}},
                                 {"tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "c"}},
                                 {"tokenizer.ggml.token_type", std::vector<std::int64_t>{1, 1, 3}},
                                 {"scores", std::vector<double>{0.5, 1}},
                                 {"flag", true}};
  const std::vector<GgufTensor> tensors = {{"w", GgmlType::f32, {2, 16}, bytes.substr(0, 128)},
                                           {"v", GgmlType::f32, {32}, bytes.substr(0, 128)}};
  return gguf_bytes(metadata, tensors);
}

TEST(Gguf, MetadataOfEveryKindReadsAsAnotherWriterWroteIt) {
  const auto file = value_or_throw(GgufFile::open(golden / "dequantize.gguf"));
  EXPECT_EQ(file.integer("test.u8"), 200);
  EXPECT_EQ(file.integer("test.i8"), -100);
  EXPECT_EQ(file.integer("test.u16"), 60000);
  EXPECT_EQ(file.integer("test.i16"), -30000);
  EXPECT_EQ(file.integer("test.u32"), 4000000000);
  EXPECT_EQ(file.integer("test.i32"), -2000000000);
  EXPECT_EQ(file.integer("test.i64"), -(std::int64_t{1} << 62));
  EXPECT_EQ(file.integer("test.u64"), std::nullopt);  // over 2^63: no int64
  EXPECT_EQ(std::get<std::uint64_t>(file.metadata().find("test.u64")->second), (std::uint64_t{1} << 63) + 5);
  EXPECT_EQ(file.number("test.f32"), static_cast<double>(0.1F));
  EXPECT_EQ(file.number("test.f64"), 0.1);
  EXPECT_EQ(file.boolean("test.yes"), true);
  EXPECT_EQ(file.boolean("test.no"), false);
  EXPECT_EQ(*file.string("test.text"), std::string("za\u017c\u00f3\u0142\u0107\0 g\u0119\u015bl\u0105", 20));
  EXPECT_EQ(*file.strings("test.texts"), (std::vector<std::string>{"", "a", "\u0120the"}));
  EXPECT_EQ(file.integers("test.integers"), (std::vector<std::int64_t>{1, -2, 3}));
  EXPECT_EQ(file.string("test.u8"), nullptr);
  EXPECT_EQ(file.number("absent"), std::nullopt);
}

TEST(Gguf, EveryTypeDequantisesBitForBitAsGgml) {
  const auto file = value_or_throw(GgufFile::open(golden / "dequantize.gguf"));
  const auto expected = value_or_throw(SafetensorsFile::open(golden / "dequantize.safetensors"));
  EXPECT_EQ(file.tensors().size(), 14U);
  for (const GgufTensor& tensor : file.tensors()) {
    EXPECT_EQ(tensor.name, name_of(tensor.type));
    const tensor::Tensor want = value_or_throw(expected.f32(tensor.name));
    ASSERT_EQ(tensor.shape, want.shape());
    std::vector<float> got(static_cast<std::size_t>(want.shape().count()));
    dequantize_rows(tensor, 0, tensor.shape[0], got);
    std::size_t different = 0;
    for (std::size_t i = 0; i < got.size(); ++i)
      if (std::bit_cast<std::uint32_t>(got[i]) != std::bit_cast<std::uint32_t>(want.f32()[i])) ++different;
    EXPECT_EQ(different, 0U) << tensor.name;
  }
}

TEST(Gguf, WhatIsWrittenReadsBack) {
  const std::string bytes = small_file();
  const auto file = value_or_throw(GgufFile::parse(bytes, "x.gguf"));
  EXPECT_EQ(*file.string("general.architecture"), "llama");
  EXPECT_EQ(file.integer("llama.block_count"), 1);
  EXPECT_EQ(file.strings("tokenizer.ggml.tokens")->size(), 3U);
  EXPECT_EQ(file.integers("tokenizer.ggml.token_type"), (std::vector<std::int64_t>{1, 1, 3}));
  EXPECT_EQ(file.boolean("flag"), true);
  ASSERT_NE(file.find("w"), nullptr);
  EXPECT_EQ(file.find("w")->shape, (tensor::Shape{2, 16}));
  EXPECT_EQ(file.find("absent"), nullptr);
  std::vector<float> row(16);
  dequantize_rows(*file.find("w"), 1, 2, row);
  EXPECT_EQ(row, std::vector<float>(16, 1.5F));
}

TEST(Gguf, AFileCutAnywhereIsRefused) {
  const std::string bytes = small_file();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(GgufFile::parse(std::string_view(bytes).substr(0, length), "x.gguf")) << "cut at " << length;
}

TEST(Gguf, NoDamagedByteCrashesOrAllocatesMuch) {
  const std::string bytes = small_file();
  largest_allocation = 0;
  std::size_t refused = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF, bytes[at] ^ 1, bytes[at] ^ 16}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(value);
      const auto file = GgufFile::parse(damaged, "x.gguf");
      if (!file) ++refused;
      if (!file) continue;
      for (const GgufTensor& tensor : file->tensors()) {
        if (tensor.shape.rank() > 2) continue;
        std::vector<float> row(static_cast<std::size_t>(tensor.shape[tensor.shape.rank() - 1]));
        dequantize_rows(tensor, 0, 1, row);
      }
    }
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_LT(largest_allocation, 64 * bytes.size());
}

TEST(Gguf, RandomlyDamagedFilesNeverCrash) {
  const std::string bytes = small_file();
  Rng rng(3);
  largest_allocation = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = bytes.substr(0, bytes.size() - rng.below(64));
    for (std::uint64_t flips = 1 + rng.below(8); flips > 0; --flips)
      damaged[rng.below(std::min<std::uint64_t>(damaged.size(), 400))] = static_cast<char>(rng.below(256));
    (void)GgufFile::parse(damaged, "x.gguf");
  }
  EXPECT_LT(largest_allocation, 64 * bytes.size());
}

TEST(Gguf, CountsBeyondTheFileAreRefusedBeforeAllocating) {
  largest_allocation = 0;
  expect_says(Raw(1ULL << 60, 0).data(64), "claims 1152921504606846976 tensors");
  expect_says(Raw(0, 1ULL << 60).data(64), "claims 1152921504606846976 metadata entries");
  expect_says(Raw(0, 1).text("k").put<std::uint32_t>(9).put<std::uint32_t>(0).put<std::uint64_t>(~0ULL),
              "claims 18446744073709551615 elements");
  expect_says(Raw(0, 1).put<std::uint64_t>(1ULL << 63).data(64), "a metadata key");
  expect_says(Raw(0, 1).text("k").put<std::uint32_t>(8).put<std::uint64_t>(~0ULL).data(64), "over the limit");
  EXPECT_LT(largest_allocation, 100000U);
}

TEST(Gguf, WhatMetadataMayNotHoldIsRefusedByName) {
  expect_says(Raw(0, 1).text("k").put<std::uint32_t>(9).put<std::uint32_t>(9).put<std::uint64_t>(1).data(64),
              "'k' is an array of arrays");
  expect_says(Raw(0, 1).text("k").put<std::uint32_t>(13).data(64), "'k' has the unknown value type 13");
  expect_says(Raw(0, 1).text("k").put<std::uint32_t>(7).put<std::uint8_t>(2), "truth value 2");
  expect_says(Raw(0, 2).u32_entry("k", 1).u32_entry("k", 2), "'k' stands twice");
  expect_says(Raw(0, 1).text("").put<std::uint32_t>(4).put<std::uint32_t>(0), "empty key");
  expect_says(Raw(1, 1).u32_entry("general.alignment", 24).tensor("t", {8}, 0, 0).data(64), "power of two");
  expect_says(Raw(1, 1).u32_entry("general.alignment", 0).tensor("t", {8}, 0, 0).data(64), "power of two");
}

TEST(Gguf, WhatATensorMayNotBeIsRefusedByName) {
  expect_says(Raw(1, 0).tensor("t", {256}, 15, 0).data(512), "tensor 't' is of type Q8_K");
  expect_says(Raw(1, 0).tensor("t", {256}, 77, 0).data(512), "tensor 't' is of type number 77");
  expect_says(Raw(1, 0).tensor("t", {}, 0, 0).data(512), "has 0 dimensions");
  expect_says(Raw(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0).data(512), "has 5 dimensions");
  expect_says(Raw(1, 0).tensor("t", {8, 0}, 0, 0).data(512), "impossible dimension 0");
  expect_says(Raw(1, 0).tensor("t", {1ULL << 40, 1ULL << 40}, 0, 0).data(512), "impossible dimension");
  expect_says(Raw(1, 0).tensor("t", {1ULL << 63}, 0, 0).data(512), "impossible dimension");
  expect_says(Raw(1, 0).tensor("t", {48}, 3, 0).data(512), "rows of 48 values");
  expect_says(Raw(1, 0).tensor("t", {8}, 0, 7).data(512), "not a multiple of 32");
  expect_says(Raw(1, 0).tensor("t", {8}, 0, 512).data(512), "tensor 't' needs 32 bytes at offset 512");
  expect_says(Raw(1, 0).tensor("t", {8}, 0, ~0ULL - 31).data(512), "tensor 't' needs 32 bytes");
  expect_says(Raw(1, 0).tensor("t", {256}, 0, 0).data(512), "tensor 't' needs 1024 bytes");
  expect_says(Raw(2, 0).tensor("t", {8}, 0, 0).tensor("t", {8}, 0, 32).data(64), "'t' stands twice");
  expect_says(Raw(2, 0).tensor("t", {16}, 0, 0).tensor("u", {8}, 0, 32).data(64), "'t' and 'u' overlap");
  expect_says(Raw(1, 0).tensor("", {8}, 0, 0).data(64), "has no name");
}

TEST(Gguf, OtherFilesAndVersionsAreRefusedAsSuch) {
  expect_says(Raw(0, 0, 1), "GGUF version 1");
  expect_says(Raw(0, 0, 4), "GGUF version 4");
  expect_says(Raw(0, 0, 0x03000000), "big-endian");
  EXPECT_EQ(Raw(0, 0, 2).error(), "");
  const auto text = GgufFile::parse("<!DOCTYPE html><html>not found</html>", "x.gguf");
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("not a GGUF file"), std::string::npos);
  EXPECT_FALSE(GgufFile::parse("", "x.gguf"));
  const auto missing = GgufFile::open("no-such-file.gguf");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("no-such-file.gguf"), std::string::npos);
}

TEST(Gguf, ControlCharactersInNamesAreShownEscaped) {
  const std::string error = Raw(1, 0).tensor("\x1b[2Jt", {256}, 15, 0).data(512).error();
  EXPECT_EQ(error.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace hone::formats
