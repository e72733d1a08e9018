#include "model/export_gguf.h"

#include <algorithm>
#include <cmath>

#include "formats/gguf_quantize.h"
#include "formats/large_json.h"
#include "model/export_names.h"
#include "model/export_tokenizer.h"

namespace hone::model {
namespace {

using formats::GgmlType;
using formats::GgufTensor;
using tensor::Tensor;

constexpr const char* divisors_name = "rope_freqs.weight";
constexpr float largest_f16 = 65504;

// llama.cpp's LLAMA_FTYPE numbers.
std::uint64_t file_type_of(GgmlType type) {
  switch (type) {
    case GgmlType::f16:
      return 1;
    case GgmlType::q4_0:
      return 2;
    case GgmlType::q8_0:
      return 7;
    case GgmlType::bf16:
      return 32;
    default:
      return 0;
  }
}

void check_range(const Tensor& values, const std::string& name) {
  const float* data = values.f32();
  for (std::int64_t i = 0; i < values.shape().count(); ++i)
    if (std::fabs(data[i]) > largest_f16)
      fail(ErrorCode::unsupported, "tensor {}: value {} is {}, beyond what F16 holds; export with --type bf16 or f32",
           name, i, data[i]);
}

// The tensor's bytes; slices of rows are encoded in parallel.
std::string encoded(tensor::Exec& exec, const Tensor& values, GgmlType type) {
  const std::int64_t columns = values.shape()[values.shape().rank() - 1];
  const auto rows = static_cast<std::size_t>(values.shape().count() / columns);
  std::vector<std::string> parts(static_cast<std::size_t>(exec.threads().size()));
  exec.threads().for_slices(rows, 16, [&](std::size_t begin, std::size_t end, int worker) {
    const auto width = static_cast<std::size_t>(columns);
    std::string& part = parts[static_cast<std::size_t>(worker)];
    part.reserve(formats::encoded_bytes(type, static_cast<std::int64_t>((end - begin) * width)));
    formats::encode_values(type, {values.f32() + begin * width, (end - begin) * width}, part);
  });
  std::string whole = std::move(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) whole += parts[i];
  return whole;
}

std::vector<GgufTensor> tensor_list(const BaseFiles& base, GgmlType type, std::span<const float> divisors) {
  std::vector<GgufTensor> list;
  for (const WeightsBuilder::Wanted& wanted : base.tensors()) {
    const std::string name = gguf_tensor_name(base.config(), wanted.name);
    list.push_back({name, gguf_type_of(name, wanted.shape, type), wanted.shape, {}});
  }
  if (!divisors.empty())
    list.push_back({divisors_name, GgmlType::f32, {static_cast<std::int64_t>(divisors.size())}, {}});
  return list;
}

// A base's own keys that say nothing about the merged file.
bool is_left_out(const std::string& key) {
  return key == "general.alignment" || key.starts_with("split.") || key.starts_with("quantize.");
}

Result<formats::GgufMetadata> folder_keys(const GgufHead& head) {
  Result<formats::GgufMetadata> keys = gguf_config_keys(head.base->config());
  if (!keys) return keys;
  const Path file = head.base->path() / "tokenizer.json";
  const Result<std::string> text = read_file(file);
  if (!text) return tl::unexpected(text.error());
  const Result<Json> json = formats::parse_large_json(*text, file.string());
  if (!json) return tl::unexpected(json.error());
  const Result<text::GgufVocabulary> words = gguf_words(*json, *head.tokenizer, head.base->config().vocabulary);
  if (!words) return tl::unexpected(words.error());
  keys->merge(gguf_tokenizer_keys(*words, head.ids));
  return keys;
}

}  // namespace

GgmlType gguf_type_of(std::string_view gguf_name, const tensor::Shape& shape, GgmlType type) {
  if (shape.rank() < 2) return GgmlType::f32;
  const bool is_outer = gguf_name == "token_embd.weight" || gguf_name == "output.weight";
  if (type == GgmlType::q4_0 && is_outer) type = GgmlType::q8_0;
  return shape[shape.rank() - 1] % formats::layout_of(type).values == 0 ? type : GgmlType::f16;
}

std::uint64_t gguf_bytes_needed(const BaseFiles& base, GgmlType type) {
  std::uint64_t bytes = 0;
  for (const GgufTensor& tensor : tensor_list(base, type, {}))
    bytes += formats::encoded_bytes(tensor.type, tensor.shape.count());
  return bytes;
}

Result<formats::GgufMetadata> gguf_metadata(const GgufHead& head) {
  formats::GgufMetadata keys;
  if (const formats::GgufFile* file = head.base->gguf()) {
    for (const auto& [key, value] : file->metadata())
      if (!is_left_out(key)) keys[key] = value;
    const auto eos = file->integer("tokenizer.ggml.eos_token_id");
    for (const text::TokenId end : head.ids.ends)
      if (end != eos && !keys.contains("tokenizer.ggml.eot_token_id"))
        keys["tokenizer.ggml.eot_token_id"] = static_cast<std::uint64_t>(end);
  } else {
    Result<formats::GgufMetadata> made = folder_keys(head);
    if (!made) return made;
    keys = std::move(*made);
  }
  keys["general.type"] = std::string("model");
  keys["general.name"] = head.name;
  keys["general.file_type"] = file_type_of(head.type);
  keys["general.quantization_version"] = std::uint64_t{2};
  keys["tokenizer.chat_template"] = head.chat_template;
  return keys;
}

void write_merged_gguf(tensor::Exec& exec, const MergeSource& source, const GgufHead& head, const Path& file,
                       const ExportHooks& hooks) {
  const BaseFiles& base = *source.base;
  const std::vector<float> divisors = gguf_rope_divisors(base.config());
  const std::vector<GgufTensor> list = tensor_list(base, head.type, divisors);
  OutputFile out(file);
  out.add(formats::gguf_head(value_or_throw(gguf_metadata(head)), list));
  std::uint64_t written = 0;
  for (std::size_t i = 0; i < base.tensors().size(); ++i) {
    if (hooks.stop.stop_requested()) fail(ErrorCode::interrupted, "stopped; nothing was written");
    const auto stored = is_changed(source, i) ? std::nullopt : base.stored(i, list[i].type);
    if (stored) {
      out.add(*stored);
    } else {
      const Tensor values = value_or_throw(merged(exec, source, i, Layout::gguf));
      if (list[i].type == GgmlType::f16) check_range(values, list[i].name);
      out.add(encoded(exec, values, list[i].type));
    }
    out.pad(formats::gguf_alignment);
    written += formats::encoded_bytes(list[i].type, list[i].shape.count());
    if (hooks.on_bytes) hooks.on_bytes(written);
  }
  if (!divisors.empty()) {
    out.add({reinterpret_cast<const char*>(divisors.data()), divisors.size() * sizeof(float)});
    out.pad(formats::gguf_alignment);
  }
  out.close();
}

}  // namespace hone::model
