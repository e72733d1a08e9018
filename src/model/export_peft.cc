// Adapters as PEFT writes them, and names of bases that other tools know.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

#include "base/terminal.h"
#include "formats/gguf_quantize.h"
#include "formats/safetensors_write.h"
#include "model/catalogue.h"
#include "model/export_folder.h"
#include "model/peft_config.h"

namespace hone::model {
namespace {

using formats::SafetensorsEntry;
using tensor::DType;
using tensor::Tensor;

// Originals on the hub of what the catalogue holds as GGUF files.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> originals = {{
    {"smollm2-135m-instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"},
    {"smollm2-360m-instruct", "HuggingFaceTB/SmolLM2-360M-Instruct"},
    {"gemma-3-270m-it", "google/gemma-3-270m-it"},
    {"qwen3-0.6b", "Qwen/Qwen3-0.6B"},
    {"qwen2.5-0.5b-instruct", "Qwen/Qwen2.5-0.5B-Instruct"},
}};

std::string encoded(const Tensor& values, const std::string& name, DType dtype) {
  const std::span<const float> all(values.f32(), static_cast<std::size_t>(values.shape().count()));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!std::isfinite(all[i]) || (dtype == DType::f16 && std::fabs(all[i]) > 65504))
      fail(ErrorCode::bad_input, "the adapter's {}: value {} is {}, which cannot be written", name, i, all[i]);
  std::string bytes;
  const formats::GgmlType type = dtype == DType::f16    ? formats::GgmlType::f16
                                 : dtype == DType::bf16 ? formats::GgmlType::bf16
                                                        : formats::GgmlType::f32;
  formats::encode_values(type, all, bytes);
  return bytes;
}

}  // namespace

void write_peft_folder(const PeftExport& wanted, const Path& folder) {
  Adapter whole = wanted.adapter->copy();
  const std::vector<Adapter::Named> tensors = whole.tensors();
  std::vector<SafetensorsEntry> entries;
  for (const Adapter::Named& named : tensors) entries.push_back({named.name, named.tensor->shape(), wanted.dtype});
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  if (!wanted.base_sha256.empty()) metadata[base_hash_key] = wanted.base_sha256;
  OutputFile out(folder / "adapter_model.safetensors");
  out.add(formats::safetensors_head(entries, metadata));
  for (std::size_t i = 0; i < entries.size(); ++i) out.add(encoded(*tensors[i].tensor, entries[i].name, wanted.dtype));
  out.close();
  write_file(folder / "adapter_config.json", to_pretty_text(peft_config(*wanted.adapter, wanted.base)));
}

Result<void> check_adapter_base(const Path& folder, const std::string& base_sha256) {
  const Path file = folder / "adapter_model.safetensors";
  const Result<formats::SafetensorsFile> opened = formats::SafetensorsFile::open(file);
  if (!opened) return tl::unexpected(opened.error());
  const auto found = opened->metadata().find(base_hash_key);
  if (found == opened->metadata().end() || base_sha256.empty() || found->second == base_sha256) return {};
  return bad_input("{}: the adapter was made for a base with SHA-256 {}, but this one has {}; name its own with --base",
                   printable(file.string()), printable(found->second), base_sha256);
}

std::string public_name(const std::string& base) {
  if (const CatalogueEntry* entry = find_in_catalogue(base)) {
    for (const auto& [name, original] : originals)
      if (name == entry->name) return std::string(original);
    return entry->name;
  }
  return std::filesystem::absolute(base).lexically_normal().string();
}

std::string local_name(const std::string& name) {
  const auto lower = [](std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  };
  for (const auto& [catalogued, original] : originals)
    if (lower(original) == lower(name)) return std::string(catalogued);
  return name;
}

}  // namespace hone::model
