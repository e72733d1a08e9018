#include "model/gguf_config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/terminal.h"

namespace hone::model {
namespace {

using formats::GgufFile;
using formats::GgufTensor;

constexpr const char* rope_divisors = "rope_freqs.weight";

// Keys of one architecture, read in turn; the first error is kept.
class Keys {
 public:
  Keys(const GgufFile& file, const std::string& where, const std::string& architecture)
      : file_(file), where_(printable(where)), prefix_(architecture + ".") {}

  // "llama." + "block_count".
  std::string full(const std::string& key) const { return prefix_ + key; }
  bool has(const std::string& key) const { return file_.metadata().contains(full(key)); }
  const GgufFile& file() const { return file_; }

  int size(const std::string& key) {
    if (!has(key))
      refuse(ErrorCode::bad_input, fmt::format("metadata key {} is missing; it must be a whole number", full(key)));
    return optional_size(key).value_or(0);
  }
  std::optional<int> optional_size(const std::string& key) {
    if (!has(key)) return std::nullopt;
    const std::optional<std::int64_t> value = file_.integer(full(key));
    if (value && *value > 0 && *value <= std::numeric_limits<int>::max()) return static_cast<int>(*value);
    refuse(ErrorCode::bad_input, fmt::format("metadata key {} must be a whole number from 1 to 2^31 - 1", full(key)));
    return std::nullopt;
  }
  float number(const std::string& key, std::optional<float> fallback) {
    if (!has(key) && fallback) return *fallback;
    const std::optional<double> value = file_.number(full(key));
    if (!value) refuse(ErrorCode::bad_input, fmt::format("metadata key {} is missing or no number", full(key)));
    return static_cast<float>(value.value_or(0));
  }
  void unsupported(const std::string& what, const std::string& why) {
    refuse(ErrorCode::unsupported, fmt::format("{}: {}; Hone runs {}", what, why, supported_families()));
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
  std::string prefix_;
  std::optional<Error> error_;
};

void check_what_the_decoder_lacks(Keys& keys) {
  const GgufFile& file = keys.file();
  if (const std::string* type = file.string("general.type"); type != nullptr && *type != "model")
    keys.refuse(ErrorCode::unsupported, fmt::format("general.type is '{}', expected 'model'", clipped(*type, 40)));
  if (file.integer(keys.full("expert_count")).value_or(0) != 0)
    keys.unsupported(keys.full("expert_count"), "mixtures of experts are not supported");
  if (!file.boolean(keys.full("attention.causal")).value_or(true))
    keys.unsupported(keys.full("attention.causal"), "only causal attention is supported");
  for (const char* cap : {"attn_logit_softcapping", "final_logit_softcapping"})
    if (file.number(keys.full(cap)).value_or(0) != 0)
      keys.unsupported(keys.full(cap), "soft caps of logits are not supported");
}

int read_head_width(Keys& keys, const Config& config) {
  int head_width = config.heads > 0 ? config.width / config.heads : 0;
  if (const auto key_length = keys.optional_size("attention.key_length")) head_width = *key_length;
  const int value_length = keys.optional_size("attention.value_length").value_or(head_width);
  if (value_length != head_width)
    keys.unsupported(keys.full("attention.value_length"),
                     fmt::format("{} differs from the keys' {}", value_length, head_width));
  const int rotated = keys.optional_size("rope.dimension_count").value_or(head_width);
  if (rotated != head_width)
    keys.unsupported(keys.full("rope.dimension_count"),
                     fmt::format("only {} of {} dimensions rotate, which is not supported", rotated, head_width));
  return head_width;
}

// Llama 3's scaling: a divisor for each frequency.
void read_divisors(Keys& keys, const GgufTensor& tensor, Config& config) {
  const std::int64_t half = config.head_width / 2;
  if (tensor.shape != tensor::Shape({half}))
    return keys.refuse(ErrorCode::bad_input, fmt::format("tensor {} has the shape {}, expected [{}]", rope_divisors,
                                                         tensor.shape.text(), half));
  if (config.rope_scaling.kind != RopeScaling::Kind::none)
    return keys.unsupported(fmt::format("tensor {}", rope_divisors), "together with another RoPE scaling");
  config.rope_scaling.kind = RopeScaling::Kind::divisors;
  config.rope_scaling.divisors.resize(static_cast<std::size_t>(half));
  formats::dequantize_rows(tensor, 0, 1, config.rope_scaling.divisors);
}

void read_rope(Keys& keys, Config& config) {
  config.rope_base = keys.number("rope.freq_base", 10000.0F);
  if (config.sliding_rope_base > 0)
    config.sliding_rope_base = keys.number("rope.freq_base_swa", config.sliding_rope_base);
  // Files of 2023 say scale_linear.
  const float factor = keys.number("rope.scaling.factor", keys.number("rope.scale_linear", 1.0F));
  const std::string* named = keys.file().string(keys.full("rope.scaling.type"));
  const std::string type = named != nullptr ? *named : factor != 1 ? "linear" : "none";
  if (type == "linear" && factor != 1) {
    config.rope_scaling.kind = RopeScaling::Kind::linear;
    config.rope_scaling.factor = factor;
  } else if (type != "linear" && type != "none") {
    keys.unsupported(keys.full("rope.scaling.type"), "RoPE scaling '" + clipped(type, 40) + "' is not supported");
  }
  if (const GgufTensor* tensor = keys.file().find(rope_divisors)) read_divisors(keys, *tensor, config);
}

// Gemma 3: a window in all layers but every sixth (sliding_window_pattern: that number, or one truth a layer).
void read_windows(Keys& keys, Config& config) {
  // 0 says none, too.
  if (keys.file().integer(keys.full("attention.sliding_window")) == 0) return;
  const auto window = keys.optional_size("attention.sliding_window");
  if (!window) return;
  if (config.architecture != "gemma3")
    return keys.unsupported(keys.full("attention.sliding_window"), "attention windows are supported for gemma3 only");
  config.window = *window;
  const std::string pattern_key = keys.full("attention.sliding_window_pattern");
  const std::vector<std::int64_t> each = keys.file().integers(pattern_key);
  const std::int64_t pattern = keys.file().integer(pattern_key).value_or(6);
  if (!each.empty() && each.size() != static_cast<std::size_t>(config.layers))
    return keys.refuse(ErrorCode::bad_input, fmt::format("metadata key {} has {} entries for {} layers", pattern_key,
                                                         each.size(), config.layers));
  for (int layer = 0; layer < config.layers; ++layer)
    config.sliding.push_back(!each.empty() ? each[static_cast<std::size_t>(layer)] != 0
                                           : pattern > 0 && (layer + 1) % pattern != 0);
  if (std::find(config.sliding.begin(), config.sliding.end(), true) == config.sliding.end()) {
    config.sliding.clear();
    config.window = 0;
  }
}

void read_gemma(Config& config) {
  // transformers rounds this to the dtype it computes in; Hone computes in f32, as llama.cpp does.
  config.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(config.width)));
  // As llama.cpp has it: the file does not say. Only the 27B model, known by its layers, takes another number.
  constexpr int layers_of_27b = 62;
  config.query_scalar =
      static_cast<float>(config.layers == layers_of_27b ? config.width / std::max(1, config.heads) : config.head_width);
}

Result<void> read_tables(const GgufFile& file, const std::string& where, Config& config) {
  const GgufTensor* embedding = file.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.rank() != 2)
    return bad_input(
        "{}: tensor token_embd.weight is missing or not a matrix{}", where,
        file.tensors().empty() ? " (the file holds a vocabulary only, which `hone tokenize` can use)" : "");
  if (embedding->shape[0] > std::numeric_limits<int>::max())
    return bad_input("{}: token_embd.weight has the shape {}", where, embedding->shape.text());
  config.vocabulary = static_cast<int>(embedding->shape[0]);
  config.tied_head = file.find("output.weight") == nullptr;
  return {};
}

}  // namespace

Result<Config> gguf_config(const GgufFile& file, const std::string& path) {
  const std::string where = printable(path);
  const std::string* architecture = file.string("general.architecture");
  if (architecture == nullptr) return bad_input("{}: metadata key general.architecture is missing", where);
  if (const std::string* type = file.string("general.type"); type != nullptr && *type == "adapter")
    return make_error(ErrorCode::unsupported,
                      "{}: metadata key general.type is adapter: this is no model, it needs the base that it was made "
                      "for; name the run, the bundle or the PEFT folder that it was exported from",
                      where);
  const Family* family = find_family(*architecture);
  if (family == nullptr)
    return make_error(ErrorCode::unsupported, "{}: architecture '{}' cannot be run by this version of Hone; it runs {}",
                      where, clipped(*architecture, 40), supported_families());
  if (const std::int64_t parts = file.integer("split.count").value_or(1); parts > 1)
    return make_error(ErrorCode::unsupported,
                      "{}: split.count is {}: the model lies in that many files; join them first (llama-gguf-split "
                      "--merge)",
                      where, parts);
  Keys keys(file, path, *architecture);
  Config config = family_config(*family);
  config.layers = keys.size("block_count");
  config.width = keys.size("embedding_length");
  config.hidden = keys.size("feed_forward_length");
  config.heads = keys.size("attention.head_count");
  config.kv_heads = keys.optional_size("attention.head_count_kv").value_or(config.heads);
  config.head_width = read_head_width(keys, config);
  config.context = keys.size("context_length");
  config.norm_epsilon = keys.number("attention.layer_norm_rms_epsilon", std::nullopt);
  check_what_the_decoder_lacks(keys);
  // Before lists with an entry a layer are made, so that their length is bounded by the file's.
  if (!keys.failed() && static_cast<std::size_t>(config.layers) > std::max<std::size_t>(1, file.tensors().size()))
    return bad_input("{}: {} is {}, but the file holds {} tensors", where, keys.full("block_count"), config.layers,
                     file.tensors().size());
  if (!keys.failed()) {
    read_rope(keys, config);
    read_windows(keys, config);
  }
  if (config.architecture == "gemma3") read_gemma(config);
  if (keys.failed()) return tl::unexpected<Error>(keys.error());
  if (const Result<void> read = read_tables(file, where, config); !read) return tl::unexpected<Error>(read.error());
  const Result<void> valid = check(config);
  if (!valid) return make_error(valid.error().code, "{}: {}", where, valid.error().message);
  return config;
}

}  // namespace hone::model
