#include "formats/gguf_types.h"

#include <array>
#include <utility>

namespace hone::formats {
namespace {

constexpr std::array<TypeFacts, 14> supported_types = {{
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

// Types of ggml that Hone does not read, for the message.
constexpr std::pair<std::uint32_t, const char*> other_types[] = {
    {9, "Q8_1"},   {15, "Q8_K"},   {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {21, "IQ3_S"},
    {22, "IQ2_S"}, {23, "IQ4_XS"}, {24, "I8"},      {25, "I16"},    {26, "I32"},     {27, "I64"},   {28, "F64"},
    {29, "IQ1_M"}, {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"},  {40, "NVFP4"},   {41, "Q1_0"},
};

}  // namespace

const TypeFacts* facts_of(std::uint32_t type) {
  for (const TypeFacts& facts : supported_types)
    if (static_cast<std::uint32_t>(facts.type) == type) return &facts;
  return nullptr;
}

std::string name_of_unread(std::uint32_t type) {
  for (const auto& [number, name] : other_types)
    if (number == type) return name;
  return fmt::format("number {}", type);
}

std::string read_type_names() {
  std::string names;
  for (const TypeFacts& facts : supported_types) names += (names.empty() ? "" : ", ") + std::string(facts.name);
  return names;
}

const char* name_of(GgmlType type) {
  const TypeFacts* facts = facts_of(static_cast<std::uint32_t>(type));
  HONE_CHECK(facts != nullptr);
  return facts->name;
}

BlockLayout layout_of(GgmlType type) {
  const TypeFacts* facts = facts_of(static_cast<std::uint32_t>(type));
  HONE_CHECK(facts != nullptr);
  return facts->layout;
}

}  // namespace hone::formats
