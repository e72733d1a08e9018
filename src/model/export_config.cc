#include "model/export_config.h"

#include <cmath>

namespace hone::model {
namespace {

using Kind = RopeScaling::Kind;

const char* model_type_of(const Config& config) {
  return config.architecture == "gemma3" ? "gemma3_text" : config.architecture.c_str();
}

// As a decimal number that reads as the same f32: 1e-06 and not 9.999999974752427e-07.
double shortest(float value) { return std::stod(fmt::format("{}", value)); }

std::vector<float> divisors_of(Config config, const RopeScaling& scaling) {
  config.sliding.clear();
  config.rope_scaling = {};
  const std::vector<float> plain = rope_frequencies(config, 0);
  config.rope_scaling = scaling;
  std::vector<float> divisors = rope_frequencies(config, 0);
  for (std::size_t i = 0; i < divisors.size(); ++i) divisors[i] = plain[i] / divisors[i];
  return divisors;
}

// The Llama 3 scaling that makes these divisors: all published models have 1, 4 and 8,192.
std::optional<RopeScaling> llama3_of(const Config& config) {
  RopeScaling scaling;
  scaling.kind = Kind::llama3;
  scaling.factor = config.rope_scaling.divisors.back();
  const std::vector<float> made = divisors_of(config, scaling);
  for (std::size_t i = 0; i < made.size(); ++i)
    if (std::fabs(made[i] - config.rope_scaling.divisors[i]) > 1e-5F * made[i]) return std::nullopt;
  return scaling;
}

Result<Json> rope_scaling_json(const Config& config) {
  RopeScaling scaling = config.rope_scaling;
  if (scaling.kind == Kind::divisors) {
    const auto found = llama3_of(config);
    if (!found)
      return make_error(ErrorCode::unsupported,
                        "the base's rope_freqs.weight is not the scaling of a Llama 3 model, so config.json has no "
                        "words for it; export with --format gguf");
    scaling = *found;
  }
  switch (scaling.kind) {
    case Kind::linear:
      return Json{{"rope_type", "linear"}, {"factor", shortest(scaling.factor)}};
    case Kind::llama3:
      return Json{{"rope_type", "llama3"},
                  {"factor", shortest(scaling.factor)},
                  {"low_freq_factor", shortest(scaling.low_frequency)},
                  {"high_freq_factor", shortest(scaling.high_frequency)},
                  {"original_max_position_embeddings", scaling.original_context}};
    default:
      return Json(nullptr);
  }
}

void add_family_fields(const Config& config, Json& json) {
  if (config.architecture == "llama") json["mlp_bias"] = false;
  if (config.architecture == "llama" || config.architecture == "qwen3" || config.architecture == "gemma3")
    json["attention_bias"] = false;
  if (config.architecture == "qwen2" || config.architecture == "qwen3") {
    json["use_sliding_window"] = false;
    json["sliding_window"] = nullptr;
  }
  if (config.architecture != "gemma3") {
    json["hidden_act"] = "silu";
    return;
  }
  json["hidden_activation"] = "gelu_pytorch_tanh";
  // transformers 5 takes no 256.0 for 256.
  const float scalar = config.query_scalar > 0 ? config.query_scalar : static_cast<float>(config.head_width);
  json["query_pre_attn_scalar"] =
      scalar == std::floor(scalar) ? Json(static_cast<std::int64_t>(scalar)) : Json(shortest(scalar));
  json["rope_local_base_freq"] = shortest(config.sliding_rope_base > 0 ? config.sliding_rope_base : config.rope_base);
  json["sliding_window"] = config.window;
  Json types = Json::array();
  for (int layer = 0; layer < config.layers; ++layer)
    types.push_back(config.slides(layer) ? "sliding_attention" : "full_attention");
  json["layer_types"] = types;
  json["attn_logit_softcapping"] = nullptr;
  json["final_logit_softcapping"] = nullptr;
}

Json id_or_null(const std::optional<text::TokenId>& id) { return id ? Json(*id) : Json(); }

tl::unexpected<Error> no_key(const Config& config, const char* what) {
  return make_error(ErrorCode::unsupported, "GGUF files of {} models have no key for {}; export with --format hf",
                    config.architecture, what);
}

// What llama.cpp's gemma3 takes for granted: every sixth layer sees all, and scores are divided by the root of the
// head's width.
Result<void> check_gemma(const Config& config) {
  for (int layer = 0; layer < config.layers; ++layer)
    if (config.slides(layer) != (layer % 6 != 5)) return no_key(config, "their own order of sliding layers");
  if (config.query_scalar > 0 && config.query_scalar != static_cast<float>(config.head_width))
    return no_key(config, "query_pre_attn_scalar");
  if (config.sliding_rope_base != 10000) return no_key(config, "rope_local_base_freq");
  return {};
}

}  // namespace

Result<Json> hugging_face_config(const Config& config, const TokenIds& ids, const std::string& dtype) {
  const Family* family = find_family(config.architecture);
  HONE_CHECK(family != nullptr);
  Result<Json> scaling = rope_scaling_json(config);
  if (!scaling) return scaling;
  Json json = {{"architectures", {family->hugging_face}},
               {"model_type", model_type_of(config)},
               {"vocab_size", config.vocabulary},
               {"hidden_size", config.width},
               {"intermediate_size", config.hidden},
               {"num_hidden_layers", config.layers},
               {"num_attention_heads", config.heads},
               {"num_key_value_heads", config.kv_heads},
               {"head_dim", config.head_width},
               {"max_position_embeddings", config.context},
               {"rms_norm_eps", shortest(config.norm_epsilon)},
               {"rope_theta", shortest(config.rope_base)},
               {"rope_scaling", *scaling},
               {"tie_word_embeddings", config.tied_head},
               {"attention_dropout", 0.0},
               {"initializer_range", 0.02},
               {"use_cache", true},
               {"torch_dtype", dtype},
               {"bos_token_id", id_or_null(ids.bos)},
               {"eos_token_id", ids.ends},
               {"pad_token_id", id_or_null(ids.padding)}};
  if (ids.ends.size() == 1) json["eos_token_id"] = ids.ends.front();
  add_family_fields(config, json);
  return json;
}

Json generation_config(const TokenIds& ids) {
  Json json = {{"bos_token_id", id_or_null(ids.bos)},
               {"eos_token_id", ids.ends},
               {"pad_token_id", id_or_null(ids.padding)},
               {"do_sample", false}};
  return json;
}

Result<formats::GgufMetadata> gguf_config_keys(const Config& config) {
  formats::GgufMetadata keys;
  const auto count = [](int value) { return static_cast<std::uint64_t>(value); };
  const auto key = [&](const char* name) { return fmt::format("{}.{}", config.architecture, name); };
  keys["general.architecture"] = config.architecture;
  keys["general.type"] = std::string("model");
  keys[key("block_count")] = count(config.layers);
  keys[key("context_length")] = count(config.context);
  keys[key("embedding_length")] = count(config.width);
  keys[key("feed_forward_length")] = count(config.hidden);
  keys[key("attention.head_count")] = count(config.heads);
  keys[key("attention.head_count_kv")] = count(config.kv_heads);
  keys[key("attention.key_length")] = count(config.head_width);
  keys[key("attention.value_length")] = count(config.head_width);
  keys[key("attention.layer_norm_rms_epsilon")] = static_cast<double>(config.norm_epsilon);
  keys[key("rope.freq_base")] = static_cast<double>(config.rope_base);
  keys[key("rope.dimension_count")] = count(config.head_width);
  keys[key("vocab_size")] = count(config.vocabulary);
  if (config.rope_scaling.kind == Kind::linear) {
    keys[key("rope.scaling.type")] = std::string("linear");
    keys[key("rope.scaling.factor")] = static_cast<double>(config.rope_scaling.factor);
  }
  if (config.architecture == "gemma3") {
    if (const Result<void> fine = check_gemma(config); !fine) return tl::unexpected(fine.error());
    keys[key("attention.sliding_window")] = count(config.window);
  } else if (!config.sliding.empty()) {
    return no_key(config, "sliding layers");
  }
  return keys;
}

std::vector<float> gguf_rope_divisors(const Config& config) {
  if (config.rope_scaling.kind == Kind::divisors) return config.rope_scaling.divisors;
  if (config.rope_scaling.kind == Kind::llama3) return divisors_of(config, config.rope_scaling);
  return {};
}

}  // namespace hone::model
