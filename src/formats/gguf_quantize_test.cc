#include "formats/gguf_quantize.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "formats/safetensors.h"
#include "tensor/half.h"

namespace hone::formats {
namespace {

// Golden bytes of gguf-py: ordinary values, zeros, ties, subnormals, values beyond f16 (tools/make_golden_quantize.py).
TEST(GgufQuantize, EqualsGgufPyBitForBit) {
  const auto file =
      value_or_throw(SafetensorsFile::open(Path(HONE_SOURCE_DIR) / "tests" / "golden" / "quantize.safetensors"));
  const tensor::Tensor values = value_or_throw(file.f32("values"));
  const auto count = static_cast<std::size_t>(values.shape().count());
  for (const GgmlType type : {GgmlType::f16, GgmlType::bf16, GgmlType::q8_0, GgmlType::q4_0}) {
    SCOPED_TRACE(name_of(type));
    std::string bytes;
    encode_values(type, {values.f32(), count}, bytes);
    EXPECT_EQ(bytes.size(), encoded_bytes(type, values.shape().count()));
    const auto expected = value_or_throw(file.view(name_of(type)));
    ASSERT_EQ(bytes.size(), static_cast<std::size_t>(expected.shape.count()));
    const auto* golden = static_cast<const char*>(expected.data);
    std::size_t different = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) different += bytes[i] == golden[i] ? 0 : 1;
    EXPECT_EQ(different, 0U);
  }
}

// Every half survives widening and rounding; the value between two halves goes to the even one.
TEST(GgufQuantize, HalvesRoundTripAndTiesGoToEven) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float wide = tensor::f32_of_f16(half);
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(tensor::f32_of_f16(f16_of_f32(wide))));
      continue;
    }
    ASSERT_EQ(f16_of_f32(wide), half);
    const bool has_next = (half & 0x7FFFU) < 0x7BFFU;
    if (has_next) {
      const float next = tensor::f32_of_f16(static_cast<std::uint16_t>(half + 1));
      ASSERT_EQ(f16_of_f32((wide + next) / 2), half % 2 == 0 ? half : half + 1) << bits;
    }
  }
  EXPECT_TRUE(std::isnan(tensor::f32_of_bf16(bf16_of_f32(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(tensor::f32_of_f16(f16_of_f32(std::bit_cast<float>(0x7F800001U)))));
}

// What dequantize_rows reads back lies within half a step (Q8_0) or a step (Q4_0, whose far end is cut) of the values.
TEST(GgufQuantize, ReadsBackWithinAStep) {
  std::vector<float> values;
  for (int i = 0; i < 64; ++i) values.push_back(std::sin(static_cast<float>(i) * 1.7F) * (i < 32 ? 1.0F : 0.01F));
  for (const GgmlType type : {GgmlType::q8_0, GgmlType::q4_0}) {
    std::string bytes;
    encode_values(type, values, bytes);
    std::vector<float> back(64);
    dequantize_rows({"x", type, {64}, bytes}, 0, 1, back);
    for (std::size_t i = 0; i < 64; ++i) {
      const float step = (i < 32 ? 1.0F : 0.01F) / (type == GgmlType::q8_0 ? 127.0F : 8.0F);
      EXPECT_NEAR(back[i], values[i], step * (type == GgmlType::q8_0 ? 0.54F : 1.02F)) << name_of(type) << " " << i;
    }
  }
}

}  // namespace
}  // namespace hone::formats
