// A merged model, or an adapter alone, as one GGUF file.
#pragma once

#include "model/export_config.h"
#include "model/export_merge.h"
#include "model/export_output.h"

namespace hone::model {

// The type a tensor gets in a file of `type`: vectors stay F32; in Q4_0 the embedding and the head, on which every
// answer hangs, become Q8_0; a row that does not fill whole blocks becomes F16.
formats::GgmlType gguf_type_of(std::string_view gguf_name, const tensor::Shape& shape, formats::GgmlType type);

// Bytes of the file's tensors, for the disk check.
std::uint64_t gguf_bytes_needed(const BaseFiles& base, formats::GgmlType type);

// All metadata of a merged file but the chat template: of a GGUF base its own, of a folder what config.json and
// `tokenizer_json` say. Refused (unsupported): what GGUF has no key for.
struct GgufHead {
  const BaseFiles* base = nullptr;
  const text::Tokenizer* tokenizer = nullptr;
  TokenIds ids;
  std::string chat_template;  // its source
  std::string name;           // general.name
  formats::GgmlType type = formats::GgmlType::f32;
};
Result<formats::GgufMetadata> gguf_metadata(const GgufHead& head);

// Writes the file. A value beyond F16 where F16 was asked for is a Failure that names the tensor.
void write_merged_gguf(tensor::Exec& exec, const MergeSource& source, const GgufHead& head, const Path& file,
                       const ExportHooks& hooks);

// A LoRA adapter for llama.cpp: F32, F16 or BF16 pairs "blk.N.attn_q.weight.lora_a" [rank, in] and ".lora_b"
// [out, rank], rows of B in the file's order. llama.cpp scales by adapter.lora.alpha / rank, one alpha for all, so
// alpha is s * rank of the first pair, and the B of a pair with another is multiplied by the quotient. Throws Failure.
struct GgufAdapter {
  const Adapter* adapter = nullptr;
  const Config* config = nullptr;
  std::string name;
  formats::GgmlType type = formats::GgmlType::f32;
};
void write_gguf_adapter(const GgufAdapter& wanted, const Path& file);

// Reads such a file for a base of `config`; refuses one for another architecture or with tensors Hone cannot apply.
Result<Adapter> read_gguf_adapter(const Path& file, const Config& config);

}  // namespace hone::model
