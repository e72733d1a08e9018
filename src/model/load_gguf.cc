#include "model/load_gguf.h"

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/terminal.h"

namespace hone::model {
namespace {

using formats::GgufFile;
using formats::GgufTensor;

constexpr const char* supported = "llama (Llama 2 and 3 without RoPE scaling, SmolLM2, Mistral without a window)";

// Reads keys in turn; the first error is kept.
class Keys {
 public:
  Keys(const GgufFile& file, const std::string& where) : file_(file), where_(printable(where)) {}

  int size(const std::string& key) {
    const std::optional<int> value = optional_size(key);
    if (!value) refuse(ErrorCode::bad_input, fmt::format("metadata key {} is missing; it must be a whole number", key));
    return value.value_or(0);
  }
  std::optional<int> optional_size(const std::string& key) {
    if (!file_.metadata().contains(key)) return std::nullopt;
    const std::optional<std::int64_t> value = file_.integer(key);
    if (value && *value > 0 && *value <= std::numeric_limits<int>::max()) return static_cast<int>(*value);
    refuse(ErrorCode::bad_input, fmt::format("metadata key {} must be a whole number from 1 to 2^31 - 1", key));
    return std::nullopt;
  }
  float number(const std::string& key, std::optional<float> fallback) {
    if (!file_.metadata().contains(key) && fallback) return *fallback;
    const std::optional<double> value = file_.number(key);
    if (!value) refuse(ErrorCode::bad_input, fmt::format("metadata key {} is missing or no number", key));
    return static_cast<float>(value.value_or(0));
  }
  void unless(bool fine, const std::string& key, const std::string& why) {
    if (!fine) refuse(ErrorCode::unsupported, fmt::format("{}: {}; Hone runs {}", key, why, supported));
  }
  void refuse(ErrorCode code, const std::string& message) {
    if (!error_) error_ = Error{code, where_ + ": " + message};
  }
  bool failed() const { return error_.has_value(); }
  // The first error, where failed().
  Error error() const { return error_.value_or(Error{}); }

 private:
  const GgufFile& file_;
  std::string where_;
  std::optional<Error> error_;
};

void check_what_the_decoder_lacks(const GgufFile& file, Keys& keys) {
  const std::string* scaling = file.string("llama.rope.scaling.type");
  keys.unless(scaling == nullptr || *scaling == "none", "llama.rope.scaling.type",
              "RoPE scaling '" + clipped(scaling == nullptr ? "" : *scaling, 40) + "' is not supported yet");
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"})
    keys.unless(file.number(key).value_or(1) == 1, key, "RoPE scaling is not supported yet");
  keys.unless(file.find("rope_freqs.weight") == nullptr, "tensor rope_freqs.weight",
              "Llama 3's RoPE scaling is not supported yet");
  keys.unless(file.integer("llama.expert_count").value_or(0) == 0, "llama.expert_count",
              "mixtures of experts are not supported");
  keys.unless(file.integer("llama.attention.sliding_window").value_or(0) == 0, "llama.attention.sliding_window",
              "attention windows are not supported yet");
  keys.unless(file.boolean("llama.attention.causal").value_or(true), "llama.attention.causal",
              "only causal attention is supported");
}

int read_head_width(Keys& keys, const Config& config) {
  int head_width = config.heads > 0 ? config.width / config.heads : 0;
  if (const auto key_length = keys.optional_size("llama.attention.key_length")) head_width = *key_length;
  const int value_length = keys.optional_size("llama.attention.value_length").value_or(head_width);
  keys.unless(value_length == head_width, "llama.attention.value_length",
              fmt::format("{} differs from the keys' {}", value_length, head_width));
  const int rotated = keys.optional_size("llama.rope.dimension_count").value_or(head_width);
  keys.unless(rotated == head_width, "llama.rope.dimension_count",
              fmt::format("only {} of {} dimensions rotate, which is not supported", rotated, head_width));
  return head_width;
}

// The GGUF name of a Hugging Face name; the decoder's wanted() has no others.
std::string gguf_name(const std::string& name) {
  if (name == "model.embed_tokens.weight") return "token_embd.weight";
  if (name == "model.norm.weight") return "output_norm.weight";
  if (name == "lm_head.weight") return "output.weight";
  static const std::map<std::string, std::string, std::less<>> parts = {
      {"input_layernorm.weight", "attn_norm.weight"}, {"post_attention_layernorm.weight", "ffn_norm.weight"},
      {"self_attn.q_proj.weight", "attn_q.weight"},   {"self_attn.k_proj.weight", "attn_k.weight"},
      {"self_attn.v_proj.weight", "attn_v.weight"},   {"self_attn.o_proj.weight", "attn_output.weight"},
      {"mlp.gate_proj.weight", "ffn_gate.weight"},    {"mlp.up_proj.weight", "ffn_up.weight"},
      {"mlp.down_proj.weight", "ffn_down.weight"},
  };
  constexpr std::string_view prefix = "model.layers.";
  HONE_CHECK(name.starts_with(prefix));
  const auto dot = name.find('.', prefix.size());
  const auto part = parts.find(std::string_view(name).substr(dot + 1));
  HONE_CHECK(part != parts.end());
  return fmt::format("blk.{}.{}", name.substr(prefix.size(), dot - prefix.size()), part->second);
}

// The file's row that belongs at `row` of a q or k matrix of heads `width` rows wide.
std::int64_t interleaved_row(std::int64_t row, std::int64_t width) {
  const std::int64_t head = row / width;
  const std::int64_t within = row % width;
  return head * width + within % (width / 2) * 2 + within / (width / 2);
}

tensor::Tensor widen(tensor::Exec& exec, const GgufTensor& source, std::int64_t permuted_width) {
  tensor::Tensor out = tensor::Tensor::empty(source.shape);
  const bool matrix = source.shape.rank() == 2;
  const std::int64_t rows = matrix ? source.shape[0] : 1;
  const std::int64_t columns = source.shape[matrix ? 1 : 0];
  float* to = out.f32();
  const auto row_at = [&](std::int64_t row) { return to + row * columns; };
  const auto count = static_cast<std::size_t>(columns);
  exec.threads().for_slices(static_cast<std::size_t>(rows), 64, [&](std::size_t begin, std::size_t end, int) {
    const auto first = static_cast<std::int64_t>(begin);
    const auto last = static_cast<std::int64_t>(end);
    if (permuted_width == 0)
      return formats::dequantize_rows(source, first, last, {row_at(first), (end - begin) * count});
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t from = interleaved_row(row, permuted_width);
      formats::dequantize_rows(source, from, from + 1, {row_at(row), count});
    }
  });
  return out;
}

// Tensors that no part of the decoder reads: biases and the like would silently change the model if they were skipped.
Result<void> check_all_known(const GgufFile& file, const WeightsBuilder& builder, const std::string& where) {
  std::set<std::string, std::less<>> known;
  for (const WeightsBuilder::Wanted& wanted : builder.wanted()) known.insert(gguf_name(wanted.name));
  for (const GgufTensor& tensor : file.tensors())
    if (!known.contains(tensor.name))
      return make_error(ErrorCode::unsupported, "{}: tensor '{}' is not a part of a llama model that Hone can run ({})",
                        printable(where), printable(tensor.name), supported);
  return {};
}

}  // namespace

Result<Config> gguf_config(const GgufFile& file, const std::string& where) {
  const std::string* architecture = file.string("general.architecture");
  Keys keys(file, where);
  if (architecture == nullptr) {
    keys.refuse(ErrorCode::bad_input, "metadata key general.architecture is missing");
    return tl::unexpected<Error>(keys.error());
  }
  if (*architecture != "llama")
    return make_error(ErrorCode::unsupported, "{}: architecture '{}' cannot be run by this version of Hone; it runs {}",
                      printable(where), clipped(*architecture, 40), supported);
  if (const std::string* type = file.string("general.type"); type != nullptr && *type != "model")
    keys.refuse(ErrorCode::unsupported, fmt::format("general.type is '{}', expected 'model'", clipped(*type, 40)));
  Config config;
  config.layers = keys.size("llama.block_count");
  config.width = keys.size("llama.embedding_length");
  config.hidden = keys.size("llama.feed_forward_length");
  config.heads = keys.size("llama.attention.head_count");
  config.kv_heads = keys.optional_size("llama.attention.head_count_kv").value_or(config.heads);
  config.head_width = read_head_width(keys, config);
  config.context = keys.size("llama.context_length");
  config.rope_base = keys.number("llama.rope.freq_base", 10000.0F);
  config.norm_epsilon = keys.number("llama.attention.layer_norm_rms_epsilon", std::nullopt);
  check_what_the_decoder_lacks(file, keys);
  if (keys.failed()) return tl::unexpected<Error>(keys.error());
  const GgufTensor* embedding = file.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.rank() != 2)
    return bad_input(
        "{}: tensor token_embd.weight is missing or not a matrix{}", printable(where),
        file.tensors().empty() ? " (the file holds a vocabulary only, which `hone tokenize` can use)" : "");
  if (embedding->shape[0] > std::numeric_limits<int>::max())
    return bad_input("{}: token_embd.weight has the shape {}", printable(where), embedding->shape.text());
  config.vocabulary = static_cast<int>(embedding->shape[0]);
  config.tied_head = file.find("output.weight") == nullptr;
  // Before the list of wanted tensors is made, so that its length is bounded by the file's.
  if (static_cast<std::size_t>(config.layers) > file.tensors().size())
    return bad_input("{}: llama.block_count is {}, but the file holds {} tensors", printable(where), config.layers,
                     file.tensors().size());
  const Result<void> valid = check(config);
  if (!valid) return make_error(valid.error().code, "{}: {}", printable(where), valid.error().message);
  return config;
}

Result<Weights> load_gguf(tensor::Exec& exec, const GgufFile& file, const std::string& where) {
  const Result<Config> config = gguf_config(file, where);
  if (!config) return tl::unexpected<Error>(config.error());
  Result<WeightsBuilder> builder = WeightsBuilder::make(*config);
  if (!builder) return tl::unexpected<Error>(builder.error());
  const Result<void> known = check_all_known(file, *builder, where);
  if (!known) return tl::unexpected<Error>(known.error());
  for (const WeightsBuilder::Wanted& wanted : std::vector(builder->wanted())) {
    const std::string name = gguf_name(wanted.name);
    const GgufTensor* source = file.find(name);
    if (source == nullptr) return bad_input("{}: tensor {} is missing", printable(where), name);
    if (source->shape != wanted.shape)
      return bad_input("{}: tensor {} has the shape {}, expected {}", printable(where), name, source->shape.text(),
                       wanted.shape.text());
    const bool permuted = name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight");
    const Result<void> placed = builder->set(wanted.name, widen(exec, *source, permuted ? config->head_width : 0));
    if (!placed) return tl::unexpected<Error>(placed.error());
  }
  return builder->finish();
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
  out.add_bos = file.boolean("tokenizer.ggml.add_bos_token").value_or(llama3);
  return out;
}

}  // namespace hone::model
