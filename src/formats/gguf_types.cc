#include "formats/gguf_types.h"

#include <utility>

namespace hone::formats {
namespace {

// Types of ggml that Hone does not read, for the message.
constexpr std::pair<std::uint32_t, const char*> other_types[] = {
    {9, "Q8_1"},   {15, "Q8_K"},   {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {21, "IQ3_S"},
    {22, "IQ2_S"}, {23, "IQ4_XS"}, {24, "I8"},      {25, "I16"},    {26, "I32"},     {27, "I64"},   {28, "F64"},
    {29, "IQ1_M"}, {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"},  {40, "NVFP4"},   {41, "Q1_0"},
};

}  // namespace

const tensor::GgmlTypeFacts* facts_of(std::uint32_t type) {
  for (const tensor::GgmlTypeFacts& facts : tensor::ggml_types())
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
  for (const tensor::GgmlTypeFacts& facts : tensor::ggml_types())
    names += (names.empty() ? "" : ", ") + std::string(facts.name);
  return names;
}

}  // namespace hone::formats
