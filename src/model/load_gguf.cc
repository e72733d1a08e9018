#include "model/load_gguf.h"

#include <optional>
#include <set>
#include <utility>

#include "base/terminal.h"
#include "model/export_names.h"

namespace hone::model {
namespace {

using formats::GgufFile;
using formats::GgufTensor;

// Tensors that no part of the decoder reads would silently change the model if they were skipped.
Result<void> check_all_known(const GgufFile& file, const WeightsBuilder& builder, const Config& config,
                             const std::string& where) {
  std::set<std::string, std::less<>> known;
  for (const WeightsBuilder::Wanted& wanted : builder.wanted()) known.insert(gguf_tensor_name(config, wanted.name));
  // Read with the config.
  if (config.rope_scaling.kind == RopeScaling::Kind::divisors) known.insert("rope_freqs.weight");
  for (const GgufTensor& tensor : file.tensors())
    if (!known.contains(tensor.name))
      return make_error(ErrorCode::unsupported,
                        "{}: tensor '{}' is not a part of a {} model as Hone knows it (it runs {})", where,
                        printable(tensor.name), config.architecture, supported_families());
  return {};
}

Result<StoredTensor> stored_tensor(const GgufFile& file, const WeightsBuilder::Wanted& wanted, const Config& config,
                                   const std::string& where) {
  StoredTensor stored;
  stored.name = wanted.name;
  stored.file_name = gguf_tensor_name(config, wanted.name);
  const GgufTensor* source = file.find(stored.file_name);
  if (source == nullptr) return bad_input("{}: tensor {} is missing", where, stored.file_name);
  if (source->shape != wanted.shape)
    return bad_input("{}: tensor {} has the shape {}, expected {}", where, stored.file_name, source->shape.text(),
                     wanted.shape.text());
  stored.type = source->type;
  stored.shape = source->shape;
  stored.bytes = source->bytes;
  stored.map = &file.map();
  stored.interleaved_width = gguf_convention(config, wanted.name).interleaved_width;
  return stored;
}

}  // namespace

Result<StoredModel> stored_gguf(const GgufFile& file, const std::string& path) {
  const Result<Config> config = gguf_config(file, path);
  if (!config) return tl::unexpected<Error>(config.error());
  Result<WeightsBuilder> builder = WeightsBuilder::make(*config);
  if (!builder) return tl::unexpected<Error>(builder.error());
  const std::string where = printable(path);
  const Result<void> known = check_all_known(file, *builder, *config, where);
  if (!known) return tl::unexpected<Error>(known.error());
  StoredModel model{.config = *config, .builder = std::move(*builder), .tensors = {}};
  for (const WeightsBuilder::Wanted& wanted : model.builder.wanted()) {
    Result<StoredTensor> stored = stored_tensor(file, wanted, *config, where);
    if (!stored) return tl::unexpected<Error>(stored.error());
    model.tensors.push_back(std::move(*stored));
  }
  return model;
}

Result<Weights> load_gguf(tensor::Exec& exec, const GgufFile& file, const std::string& path, Precision precision) {
  Result<StoredModel> stored = stored_gguf(file, path);
  if (!stored) return tl::unexpected<Error>(stored.error());
  return load_stored(exec, std::move(*stored), precision, printable(path));
}

Result<text::GgufVocabulary> gguf_vocabulary(const GgufFile& file, const std::string& where) {
  text::GgufVocabulary out;
  const std::vector<std::string>* tokens = file.strings("tokenizer.ggml.tokens");
  const std::string* model = file.string("tokenizer.ggml.model");
  if (tokens == nullptr || model == nullptr)
    return bad_input("{}: no tokenizer inside (metadata keys tokenizer.ggml.model and tokenizer.ggml.tokens)",
                     printable(where));
  out.model = *model;
  out.tokens = *tokens;
  if (const std::string* pre = file.string("tokenizer.ggml.pre")) out.pre = *pre;
  if (const auto* merges = file.strings("tokenizer.ggml.merges")) out.merges = *merges;
  if (const auto scores = file.metadata().find("tokenizer.ggml.scores"); scores != file.metadata().end()) {
    if (const auto* numbers = std::get_if<std::vector<double>>(&scores->second))
      out.scores.assign(numbers->begin(), numbers->end());
  }
  for (const std::int64_t type : file.integers("tokenizer.ggml.token_type"))
    out.types.push_back(type >= 0 && type <= 6 ? static_cast<std::int32_t>(type) : 0);
  const std::pair<const char*, std::optional<text::TokenId>*> ids[] = {
      {"tokenizer.ggml.bos_token_id", &out.bos},         {"tokenizer.ggml.eos_token_id", &out.eos},
      {"tokenizer.ggml.eot_token_id", &out.eot},         {"tokenizer.ggml.unknown_token_id", &out.unknown},
      {"tokenizer.ggml.padding_token_id", &out.padding},
  };
  for (const auto& [key, id] : ids) {
    const std::optional<std::int64_t> value = file.integer(key);
    if (!value) continue;
    if (*value < 0 || *value >= static_cast<std::int64_t>(tokens->size()))
      return bad_input("{}: {} is {}, outside the vocabulary of {} tokens", printable(where), key, *value,
                       tokens->size());
    *id = static_cast<text::TokenId>(*value);
  }
  // llama.cpp begins every text of these with BOS, whether or not the file says so.
  const bool llama3 = out.pre == "llama-bpe" || out.pre == "llama3" || out.pre == "llama-v3";
  out.add_bos = file.boolean("tokenizer.ggml.add_bos_token").value_or(llama3 || out.model == "llama");
  out.add_space_prefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  return out;
}

}  // namespace hone::model
