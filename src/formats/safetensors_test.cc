#include "formats/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "base/clock.h"
#include "base/rng.h"
#include "formats/large_json.h"
#include "tensor/half.h"

namespace hone::formats {
namespace {

std::string raw(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data, '\0');
}

std::string error_of(std::string_view bytes) {
  const auto file = SafetensorsFile::parse(bytes, "x.safetensors");
  return file ? "" : file.error().message;
}

void expect_says(std::string_view bytes, std::string_view part) {
  const std::string error = error_of(bytes);
  EXPECT_NE(error.find(part), std::string::npos) << "expected '" << part << "' in: " << error;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string small_file() {
  static const std::vector<float> wide = {1, -2, std::nanf(""), 4, 5, 6};
  static const std::vector<std::uint16_t> half = {0x3C00, 0xBC00, 0x7E00};
  static const std::vector<std::uint16_t> brain = {0x3F80, 0xFFC0};
  static const std::vector<std::uint8_t> bytes = {1, 2, 3};
  using tensor::DType;
  const std::vector<NamedView> tensors = {{"bytes", {bytes.data(), {3}, DType::u8}},
                                          {"half", {half.data(), {3}, DType::f16}},
                                          {"brain", {brain.data(), {2, 1}, DType::bf16}},
                                          {"wide", {wide.data(), {2, 3}, DType::f32}},
                                          {"empty", {nullptr, {0, 4}, DType::f32}}};
  return safetensors_bytes(tensors, {{"format", "pt"}});
}

TEST(Safetensors, WhatIsWrittenReadsBackWithNansKept) {
  const std::string bytes = small_file();
  const auto file = value_or_throw(SafetensorsFile::parse(bytes, "x"));
  EXPECT_EQ(file.names(), (std::vector<std::string>{"brain", "bytes", "empty", "half", "wide"}));
  EXPECT_EQ(file.metadata().at("format"), "pt");
  const auto wide = value_or_throw(file.f32("wide"));
  EXPECT_EQ(wide.shape(), (tensor::Shape{2, 3}));
  EXPECT_EQ(wide.f32()[1], -2.0F);
  EXPECT_TRUE(std::isnan(wide.f32()[2]));
  EXPECT_EQ(value_or_throw(file.f32("half")).f32()[1], -1.0F);
  EXPECT_TRUE(std::isnan(value_or_throw(file.f32("half")).f32()[2]));
  EXPECT_EQ(value_or_throw(file.f32("brain")).f32()[0], 1.0F);
  EXPECT_EQ(value_or_throw(file.f32("empty")).shape(), (tensor::Shape{0, 4}));
  EXPECT_EQ(value_or_throw(file.view("bytes")).dtype, tensor::DType::u8);
  EXPECT_EQ(file.f32("bytes").error().code, ErrorCode::unsupported);
  EXPECT_FALSE(file.view("absent"));
}

TEST(Safetensors, AFileOfAnotherWriterReads) {
  const auto file =
      value_or_throw(SafetensorsFile::open(Path(HONE_SOURCE_DIR) / "tests" / "golden" / "dequantize.safetensors"));
  EXPECT_EQ(file.names().size(), 14U);
  EXPECT_EQ(file.metadata().at("made_by"), "tools/make_golden_dequantize.py");
  EXPECT_EQ(value_or_throw(file.view("Q4_1")).shape.rank(), 2);
}

TEST(Safetensors, EveryHalfWidensToTheValueItStandsFor) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float got = tensor::f32_of_f16(static_cast<std::uint16_t>(bits));
    const int exponent = static_cast<int>(bits >> 10 & 31U);
    const int fraction = static_cast<int>(bits & 1023U);
    const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                          : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
    const float sign = bits >> 15 != 0 ? -1.0F : 1.0F;
    if (exponent < 31) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(sign * magnitude)) << bits;
    } else if (fraction == 0) {
      ASSERT_EQ(got, sign * INFINITY);
    } else {
      ASSERT_TRUE(std::isnan(got));
    }
  }
}

TEST(Safetensors, AFileCutAnywhereIsRefused) {
  const std::string bytes = small_file();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_NE(error_of(std::string_view(bytes).substr(0, length)), "") << "cut at " << length;
  EXPECT_NE(error_of(bytes + "x"), "");
}

TEST(Safetensors, NoDamagedByteCrashes) {
  const std::string bytes = small_file();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int value : {0, 1, 0x22, 0x39, 0x7F, 0xFF, bytes[at] ^ 1, bytes[at] ^ 2}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(value);
      const auto file = SafetensorsFile::parse(damaged, "x");
      if (!file) continue;
      for (const std::string& name : file->names()) (void)file->f32(name);
    }
  }
  Rng rng(5);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = bytes;
    for (std::uint64_t flips = 1 + rng.below(6); flips > 0; --flips)
      damaged[8 + rng.below(damaged.size() - 8)] = "0123456789[]{},:\"x"[rng.below(18)];
    const auto file = SafetensorsFile::parse(damaged, "x");
    if (!file) continue;
    for (const std::string& name : file->names()) (void)file->f32(name);
  }
}

TEST(Safetensors, AnOversizedHeaderIsRefusedBeforeItIsRead) {
  std::string huge(8, '\xff');
  expect_says(huge + "{}", "over the limit");
  const std::uint64_t beyond = 100;
  expect_says(std::string(reinterpret_cast<const char*>(&beyond), 8) + "{}", "only 2 follow");
}

TEST(Safetensors, TensorsMustCoverTheDataExactly) {
  expect_says(raw(R"({"a":)" + entry("F32", "[2]", "[0,8]") + R"(,"b":)" + entry("F32", "[2]", "[4,12]") + "}", 12),
              "overlap");
  expect_says(raw(R"({"a":)" + entry("F32", "[2]", "[4,12]") + "}", 12), "begins at byte 4, expected 0");
  expect_says(raw(R"({"a":)" + entry("F32", "[2]", "[0,8]") + "}", 12), "end at byte 8");
  expect_says(raw(R"({"a":)" + entry("F32", "[2]", "[0,16]") + "}", 12), "outside the 12 bytes");
  expect_says(raw(R"({"a":)" + entry("F32", "[3]", "[0,8]") + "}", 8), "expected 12");
  EXPECT_EQ(error_of(raw("{}", 0)), "");
}

TEST(Safetensors, WhatAHeaderMayNotSayIsRefused) {
  expect_says(raw(R"({"a":)" + entry("F32", "[4294967296,4294967296]", "[0,0]") + "}", 0), "impossible shape");
  expect_says(raw(R"({"a":)" + entry("F32", "[-1]", "[0,0]") + "}", 0), "impossible shape");
  expect_says(raw(R"({"a":)" + entry("F32", "[1.5]", "[0,0]") + "}", 0), "impossible shape");
  expect_says(raw(R"({"a":)" + entry("F32", "[0]", "[8,0]") + "}", 8), "outside");
  expect_says(raw(R"({"a":)" + entry("F31", "[1]", "[0,4]") + "}", 4), "unknown dtype");
  expect_says(raw(R"({"a":{"dtype":"F32"}})", 0), "must have dtype");
  expect_says(raw(R"({"a":1})", 0), "must have dtype");
  expect_says(raw("[]", 0), "JSON object");
  expect_says(raw("{", 0), "not valid JSON");
  expect_says(raw(std::string(200, '['), 0), "nested deeper");
  expect_says(raw(R"({"a":)" + entry("U8", "[0]", "[0,0]") + R"(,"a":)" + entry("U8", "[1]", "[0,1]") + "}", 1),
              "'a' stands twice");
  expect_says(raw(R"({"__metadata__":{"a":1}})", 0), "must be a text");
}

TEST(Safetensors, DtypesHoneDoesNotReadAreRefusedOnlyWhenAsked) {
  const std::string bytes =
      raw(R"({"a":)" + entry("I64", "[1]", "[0,8]") + R"(,"b":)" + entry("U8", "[1,1,1,1,1]", "[8,9]") + "}", 9);
  const auto file = value_or_throw(SafetensorsFile::parse(bytes, "x"));
  EXPECT_TRUE(file.contains("a"));
  EXPECT_EQ(file.view("a").error().code, ErrorCode::unsupported);
  EXPECT_NE(file.f32("a").error().message.find("dtype I64"), std::string::npos);
  EXPECT_NE(file.view("b").error().message.find("5 dimensions"), std::string::npos);
}

TEST(Safetensors, AWrittenFileCanBeOpened) {
  const Path path = std::filesystem::temp_directory_path() / fmt::format("hone-safetensors-{}.bin", ::getpid());
  const std::vector<float> values = {1, 2, 3};
  const std::vector<NamedView> tensors = {{"w", {values.data(), {3}, tensor::DType::f32}}};
  write_safetensors(path, tensors, {});
  auto file = value_or_throw(SafetensorsFile::open(path));
  const SafetensorsFile moved = std::move(file);
  EXPECT_EQ(value_or_throw(moved.f32("w")).f32()[2], 3.0F);
  std::filesystem::remove(path);
}

TEST(LargeJson, EqualsTheOrdinaryParserAndIsNotQuadratic) {
  const std::string mixed = R"({"a":[1,-2,3.5,"x\u00e9",null,true,{"b":{}}],"c":[],"d":""})";
  EXPECT_EQ(value_or_throw(parse_large_json(mixed, "x")), value_or_throw(parse_json(mixed, "x")));
  std::string many = "{";
  for (int i = 0; i < 200000; ++i) many += fmt::format("\"key {}\":{},", i, i);
  many.back() = '}';
  const Stopwatch watch;
  EXPECT_EQ(value_or_throw(parse_large_json(many, "x")).size(), 200000U);
  EXPECT_LT(watch.seconds(), 5);  // the quadratic way takes a minute
  EXPECT_FALSE(parse_large_json(R"({"a":1,"b":{"c":1,"c":2}})", "x"));
  EXPECT_FALSE(parse_large_json(R"({"a":1)", "x"));
  EXPECT_FALSE(parse_large_json("\"\xff\"", "x"));
}

}  // namespace
}  // namespace hone::formats
