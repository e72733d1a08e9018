#include "tensor/ggml_type.h"

#include <array>

#include "base/error.h"

namespace hone::tensor {
namespace {

constexpr std::array<GgmlTypeFacts, 14> known_types = {{
    {GgmlType::f32, "F32", {1, 4}},
    {GgmlType::f16, "F16", {1, 2}},
    {GgmlType::bf16, "BF16", {1, 2}},
    {GgmlType::q4_0, "Q4_0", {32, 18}},
    {GgmlType::q4_1, "Q4_1", {32, 20}},
    {GgmlType::q5_0, "Q5_0", {32, 22}},
    {GgmlType::q5_1, "Q5_1", {32, 24}},
    {GgmlType::q8_0, "Q8_0", {32, 34}},
    {GgmlType::q2_k, "Q2_K", {256, 84}},
    {GgmlType::q3_k, "Q3_K", {256, 110}},
    {GgmlType::q4_k, "Q4_K", {256, 144}},
    {GgmlType::q5_k, "Q5_K", {256, 176}},
    {GgmlType::q6_k, "Q6_K", {256, 210}},
    {GgmlType::iq4_nl, "IQ4_NL", {32, 18}},
}};

const GgmlTypeFacts& facts_of(GgmlType type) {
  for (const GgmlTypeFacts& facts : known_types)
    if (facts.type == type) return facts;
  HONE_CHECK(false);
}

}  // namespace

std::span<const GgmlTypeFacts> ggml_types() { return known_types; }

const char* name_of(GgmlType type) { return facts_of(type).name; }

BlockLayout layout_of(GgmlType type) { return facts_of(type).layout; }

}  // namespace hone::tensor
