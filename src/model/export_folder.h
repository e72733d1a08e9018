// A merged model as a Hugging Face folder, and an adapter as a PEFT folder.
#pragma once

#include <string>

#include "model/export_config.h"
#include "model/export_merge.h"
#include "model/export_output.h"

namespace hone::model {

inline constexpr std::uint64_t default_shard_bytes = 5'000'000'000;

struct FolderHead {
  const BaseFiles* base = nullptr;
  TokenIds ids;
  std::string chat_template;  // its source; empty: the base's own files hold it
  tensor::DType dtype = tensor::DType::f32;
  std::uint64_t shard_bytes = default_shard_bytes;  // of weights in a file; more files are written beyond it
};

// Bytes of the folder's weights, for the disk check.
std::uint64_t folder_bytes_needed(const BaseFiles& base, tensor::DType dtype);

// Writes config.json, generation_config.json, model.safetensors (or shards and their index), the tokenizer's files and
// chat_template.jinja into `folder`, which is there and empty. Of a folder as base its own files are copied; of a GGUF
// base they are made from its metadata. Throws Failure; what has no words in config.json or tokenizer.json is refused
// (unsupported) by name.
void write_merged_folder(tensor::Exec& exec, const MergeSource& source, const FolderHead& head, const Path& folder,
                         const ExportHooks& hooks);

struct PeftExport {
  const Adapter* adapter = nullptr;
  std::string base;         // base_model_name_or_path
  std::string base_sha256;  // kept in the weights' metadata, where PEFT does not look
  tensor::DType dtype = tensor::DType::f32;
};
// Writes adapter_config.json (every field of PEFT's LoraConfig that says how to apply it) and
// adapter_model.safetensors. Throws Failure.
void write_peft_folder(const PeftExport& wanted, const Path& folder);

// Refuses (bad_input) an adapter folder that names another base's SHA-256 than `base_sha256`; one that names none, as
// those that PEFT writes, is fine.
Result<void> check_adapter_base(const Path& folder, const std::string& base_sha256);

// What other tools call a base: the hub's name of a catalogue entry's original, else the absolute path.
std::string public_name(const std::string& base);
// The inverse: a catalogue name for a hub name of one of them, else `name` itself.
std::string local_name(const std::string& name);

}  // namespace hone::model
