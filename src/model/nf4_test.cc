// NF4 against bitsandbytes' CPU backend. Here and not in ops, whose tests cannot read files.
#include "ops/nf4.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "ops/weight_writer.h"

namespace hone::model {
namespace {

using formats::SafetensorsFile;

const SafetensorsFile& golden() {
  static const SafetensorsFile file =
      value_or_throw(SafetensorsFile::open(Path(HONE_SOURCE_DIR) / "tests" / "golden" / "nf4.safetensors"));
  return file;
}

// The names of the cases: tensors NAME.values.
std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const std::string& name : golden().names())
    if (name.ends_with(".values")) names.push_back(name.substr(0, name.size() - 7));
  return names;
}

// How many of the values differ in any bit.
std::size_t different(const void* got, const std::string& name) {
  const tensor::ConstView view = value_or_throw(golden().view(name));
  const std::size_t width = tensor::size_of(view.dtype);
  const auto* a = static_cast<const char*>(got);
  const auto* b = static_cast<const char*>(view.data);
  std::size_t count = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(view.shape.count()); ++i)
    count += std::memcmp(a + i * width, b + i * width, width) == 0 ? 0U : 1U;
  return count;
}

std::vector<float> widened(const ops::Nf4& values) {
  std::vector<float> out(static_cast<std::size_t>(values.count));
  ops::widen_nf4(values, 0, out);
  return out;
}

std::span<const float> span_of(const tensor::Tensor& values) {
  return {values.f32(), static_cast<std::size_t>(values.shape().count())};
}

TEST(Nf4, LevelsAreThoseOfBitsandbytes) {
  EXPECT_EQ(different(ops::nf4_levels().data(), "levels"), 0U);
  EXPECT_EQ(different(ops::dynamic_levels().data(), "scale_levels"), 0U);
}

// Random, zero, denormal, outlier, tied and odd-length tensors (tools/make_golden_nf4.py).
TEST(Nf4, CodesScalesAndValuesEqualBitsandbytesBitForBit) {
  ASSERT_GE(cases().size(), 10U);
  for (const std::string& name : cases()) {
    SCOPED_TRACE(name);
    const tensor::Tensor values = value_or_throw(golden().f32(name + ".values"));
    ops::Nf4 nf4 = ops::empty_nf4(values.shape().count());
    ops::quantize_nf4(span_of(values), 0, nf4);
    EXPECT_EQ(different(nf4.codes.view().data, name + ".codes"), 0U);
    EXPECT_EQ(different(nf4.scales.view().data, name + ".scales"), 0U);
    EXPECT_EQ(different(widened(nf4).data(), name + ".again"), 0U);
    ops::nest_scales(nf4);
    EXPECT_EQ(different(&nf4.offset, name + ".double.offset"), 0U);
    EXPECT_EQ(different(nf4.scale_codes.view().data, name + ".double.codes"), 0U);
    EXPECT_EQ(different(nf4.scale_maxima.view().data, name + ".double.maxima"), 0U);
    EXPECT_EQ(different(widened(nf4).data(), name + ".double.again"), 0U);
  }
}

// Few scales and many: the mean's last bit depends on the order in which they are added.
TEST(Nf4, NestedScalesEqualBitsandbytesBitForBit) {
  for (const std::string name : {"nest1", "nest37", "nest300", "nest5184"}) {
    SCOPED_TRACE(name);
    ops::Nf4 nf4;
    nf4.scales = value_or_throw(golden().f32(name + ".scales"));
    nf4.count = nf4.scales.shape().count() * ops::nf4_block;
    ops::nest_scales(nf4);
    EXPECT_EQ(different(&nf4.offset, name + ".offset"), 0U);
    EXPECT_EQ(different(nf4.scale_codes.view().data, name + ".codes"), 0U);
    EXPECT_EQ(different(nf4.scale_maxima.view().data, name + ".maxima"), 0U);
  }
}

// A weight quantised on three threads, stretch by stretch, is the one quantised in one go.
TEST(Nf4, WrittenInStretchesIsTheSame) {
  const tensor::Tensor values = value_or_throw(golden().f32("straddling.values"));
  const std::int64_t in = values.shape()[1];
  const std::int64_t out = 200;
  tensor::Tensor rows = tensor::Tensor::empty({out, in});
  for (std::int64_t i = 0; i < rows.shape().count(); ++i)
    rows.f32()[i] = values.f32()[i % values.shape().count()] * static_cast<float>(1 + i % 7);
  ops::Nf4 whole = ops::empty_nf4(out * in);
  ops::quantize_nf4(span_of(rows), 0, whole);
  const std::vector<float> expected = widened(whole);
  tensor::Exec exec(3);
  ops::WeightWriter writer(ops::WeightKind::nf4, rows.shape());
  writer.put(exec, 128, std::as_const(rows).view().rows(128, out));
  writer.put(exec, 0, std::as_const(rows).view().rows(0, 128));
  const ops::Weight weight = writer.finish();
  std::vector<float> got(expected.size());
  weight.widen(0, 77, got.data());
  weight.widen(77, out, got.data() + 77 * in);
  EXPECT_EQ(std::memcmp(got.data(), expected.data(), expected.size() * sizeof(float)), 0);
}

}  // namespace
}  // namespace hone::model
