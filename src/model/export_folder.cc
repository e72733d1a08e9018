#include "model/export_folder.h"

#include <algorithm>
#include <cmath>

#include "formats/gguf_quantize.h"
#include "formats/large_json.h"
#include "formats/safetensors_write.h"
#include "model/export_tokenizer.h"
#include "model/load_gguf.h"

namespace hone::model {
namespace {

using formats::SafetensorsEntry;
using tensor::DType;
using tensor::Tensor;

constexpr float largest_f16 = 65504;

const char* torch_name(DType dtype) {
  return dtype == DType::f16 ? "float16" : dtype == DType::bf16 ? "bfloat16" : "float32";
}

formats::GgmlType ggml_type(DType dtype) {
  return dtype == DType::f16    ? formats::GgmlType::f16
         : dtype == DType::bf16 ? formats::GgmlType::bf16
                                : formats::GgmlType::f32;
}

Json read_json(const Path& file) {
  return value_or_throw(formats::parse_large_json(value_or_throw(read_file(file)), file.string()));
}

void copy_if_there(const Path& from, const Path& to, const char* name) {
  if (std::filesystem::exists(from / name)) write_file(to / name, value_or_throw(read_file(from / name)));
}

// The ids at which generation stops, with the end of an answer among them.
Json with_end(const Json& stops, const TokenIds& ids) {
  if (ids.ends.empty()) return stops;
  Json all = stops.is_array() ? stops : stops.is_number_integer() ? Json::array({stops}) : Json::array();
  if (std::find(all.begin(), all.end(), Json(ids.ends.front())) == all.end()) all.push_back(ids.ends.front());
  return all.size() == 1 ? all.front() : all;
}

void copy_descriptions(const FolderHead& head, const Path& folder) {
  const Path& base = head.base->path();
  Json config = read_json(base / "config.json");
  config[config.contains("dtype") ? "dtype" : "torch_dtype"] = torch_name(head.dtype);
  write_file(folder / "config.json", to_pretty_text(config));
  Json generation = generation_config(head.ids);
  if (std::filesystem::exists(base / "generation_config.json")) {
    generation = read_json(base / "generation_config.json");
    const Json stops = generation.contains("eos_token_id") ? generation["eos_token_id"] : Json();
    generation["eos_token_id"] = with_end(stops, head.ids);
  }
  write_file(folder / "generation_config.json", to_pretty_text(generation));
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                           "vocab.json", "merges.txt", "tokenizer.model", "chat_template.jinja"}) {
    copy_if_there(base, folder, name);
  }
}

void make_descriptions(const FolderHead& head, const Path& folder) {
  const std::string where = head.base->path().string();
  const text::GgufVocabulary words = value_or_throw(gguf_vocabulary(*head.base->gguf(), where));
  TokenizerFiles files = value_or_throw(hugging_face_tokenizer(words, head.ids));
  files.config["model_max_length"] = head.base->config().context;
  if (!head.chat_template.empty()) files.config["chat_template"] = head.chat_template;
  const Json config = value_or_throw(hugging_face_config(head.base->config(), head.ids, torch_name(head.dtype)));
  write_file(folder / "config.json", to_pretty_text(config));
  write_file(folder / "generation_config.json", to_pretty_text(generation_config(head.ids)));
  write_file(folder / "tokenizer.json", files.tokenizer_json);
  write_file(folder / "tokenizer_config.json", to_pretty_text(files.config));
}

struct Shard {
  std::string file;
  std::size_t begin = 0, end = 0;  // of BaseFiles::tensors()
};

std::vector<Shard> plan_shards(const FolderHead& head) {
  const auto& tensors = head.base->tensors();
  std::vector<Shard> shards(1);
  std::uint64_t filled = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t bytes = formats::bytes_of({tensors[i].name, tensors[i].shape, head.dtype});
    if (filled > 0 && filled + bytes > head.shard_bytes) {
      shards.push_back({{}, i, i});
      filled = 0;
    }
    filled += bytes;
    shards.back().end = i + 1;
  }
  for (std::size_t i = 0; i < shards.size(); ++i)
    shards[i].file = shards.size() == 1 ? std::string("model.safetensors")
                                        : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
  return shards;
}

std::string encoded(const Tensor& values, const std::string& name, DType dtype) {
  const auto count = static_cast<std::size_t>(values.shape().count());
  const std::span<const float> all(values.f32(), count);
  const auto too_large = std::find_if(all.begin(), all.end(), [](float v) { return std::fabs(v) > largest_f16; });
  if (dtype == DType::f16 && too_large != all.end())
    fail(ErrorCode::unsupported, "tensor {}: value {} is {}, beyond what F16 holds; export with --type bf16 or f32",
         name, too_large - all.begin(), *too_large);
  std::string bytes;
  bytes.reserve(count * tensor::size_of(dtype));
  formats::encode_values(ggml_type(dtype), all, bytes);
  return bytes;
}

void write_index(const std::vector<Shard>& shards, const FolderHead& head, const Path& folder) {
  nlohmann::json map = nlohmann::json::object();
  for (const Shard& shard : shards)
    for (std::size_t i = shard.begin; i < shard.end; ++i) map[head.base->tensors()[i].name] = shard.file;
  const nlohmann::json index = {{"metadata", {{"total_size", folder_bytes_needed(*head.base, head.dtype)}}},
                                {"weight_map", map}};
  write_file(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace

std::uint64_t folder_bytes_needed(const BaseFiles& base, DType dtype) {
  std::uint64_t bytes = 0;
  for (const WeightsBuilder::Wanted& wanted : base.tensors())
    bytes += formats::bytes_of({wanted.name, wanted.shape, dtype});
  return bytes;
}

void write_merged_folder(tensor::Exec& exec, const MergeSource& source, const FolderHead& head, const Path& folder,
                         const ExportHooks& hooks) {
  head.base->gguf() != nullptr ? make_descriptions(head, folder) : copy_descriptions(head, folder);
  if (!head.chat_template.empty()) write_file(folder / "chat_template.jinja", head.chat_template);
  const std::vector<Shard> shards = plan_shards(head);
  std::uint64_t written = 0;
  for (const Shard& shard : shards) {
    std::vector<SafetensorsEntry> entries;
    for (std::size_t i = shard.begin; i < shard.end; ++i)
      entries.push_back({head.base->tensors()[i].name, head.base->tensors()[i].shape, head.dtype});
    OutputFile out(folder / shard.file);
    out.add(formats::safetensors_head(entries, {{"format", "pt"}}));
    for (std::size_t i = shard.begin; i < shard.end; ++i) {
      if (hooks.stop.stop_requested()) fail(ErrorCode::interrupted, "stopped; nothing was written");
      const Tensor values = value_or_throw(merged(exec, source, i, Layout::hugging_face));
      out.add(encoded(values, head.base->tensors()[i].name, head.dtype));
      written += formats::bytes_of(entries[i - shard.begin]);
      if (hooks.on_bytes) hooks.on_bytes(written);
    }
    out.close();
  }
  if (shards.size() > 1) write_index(shards, head, folder);
}

}  // namespace hone::model
