// Small models of every family, as files, for tests of exports.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/testing.h"
#include "formats/safetensors.h"
#include "model/export_config.h"
#include "model/export_tokenizer.h"
#include "model/weights.h"

namespace hone::model {

inline constexpr int tiny_rows = 274;  // of the embedding: 268 tokens, and rows that only fill it up

inline Config tiny_config(const std::string& family) {
  Config config = family_config(*find_family(family));
  config.layers = 7;  // gemma3: the sixth sees all
  config.width = 32;
  config.hidden = 64;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_width = 16;  // heads * head_width differs from width
  config.vocabulary = tiny_rows;
  config.context = 512;
  config.tied_head = family != "llama";
  config.rope_base = 100000;
  if (family == "llama") {
    config.rope_scaling.kind = RopeScaling::Kind::llama3;
    config.rope_scaling.factor = 32;
  }
  if (family == "gemma3") {
    config.norm_epsilon = 1e-6F;
    config.window = 8;
    config.embedding_scale = 5.65625F;  // sqrt(32) in bf16
    config.query_scalar = 16;
    for (int layer = 0; layer < config.layers; ++layer) config.sliding.push_back(layer % 6 != 5);
  }
  return config;
}

// Bytes, two merges and two control tokens.
inline text::GgufVocabulary tiny_words(const std::string& pre) {
  text::GgufVocabulary words;
  words.model = "gpt2";
  words.pre = pre;
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_plain = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    static int next = 256;
    if (byte == 0) next = 256;
    const int code = is_plain ? byte : next++;
    std::string spelled;
    if (code < 128) {
      spelled = static_cast<char>(code);
    } else {
      spelled = {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
    }
    words.tokens.push_back(spelled);
  }
  for (const char* token : {"he", "in", "\xC4\xA0he", "ing", "er", "ma", "no", "be", "qu", "ty"})
    words.tokens.emplace_back(token);
  words.tokens.emplace_back("<|im_start|>");
  words.tokens.emplace_back("<|im_end|>");
  words.types.assign(words.tokens.size(), 1);
  words.types[266] = words.types[267] = 3;
  words.merges = {"h e", "i n", "\xC4\xA0 he", "in g", "e r", "m a", "n o", "b e", "q u", "t y"};
  words.bos = 266;
  words.eos = 267;
  return words;
}

// Every tensor of `weights` by its Hugging Face name, as the decoder has it.
inline std::vector<std::pair<std::string, tensor::ConstView>> tensors_of(const Weights& weights) {
  std::vector<std::pair<std::string, tensor::ConstView>> all;
  const auto matrix = [](const ops::Weight& weight) {
    return tensor::ConstView{weight.f32(), {weight.out(), weight.in()}, tensor::DType::f32};
  };
  all.emplace_back("model.embed_tokens.weight", matrix(weights.embedding));
  all.emplace_back("model.norm.weight", weights.final_norm.view());
  if (!weights.config.tied_head) all.emplace_back("lm_head.weight", matrix(weights.head_map));
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    const LayerWeights& layer = weights.layers[i];
    const std::string prefix = fmt::format("model.layers.{}.", i);
    const auto add = [&](const std::string& name, const tensor::Tensor& values) {
      if (values.bytes() > 0) all.emplace_back(prefix + name, values.view());
    };
    const bool sandwich = weights.config.sandwich_norm;
    add("input_layernorm.weight", layer.attention_norm);
    add(sandwich ? "pre_feedforward_layernorm.weight" : "post_attention_layernorm.weight", layer.feed_norm);
    add("post_attention_layernorm.weight", layer.attention_out_norm);
    add("post_feedforward_layernorm.weight", layer.feed_out_norm);
    add("self_attn.q_norm.weight", layer.query_norm);
    add("self_attn.k_norm.weight", layer.key_norm);
    for (const Site site : all_sites) {
      const std::string name = fmt::format("{}.{}", site <= Site::o ? "self_attn" : "mlp", name_of(site));
      all.emplace_back(prefix + name + ".weight", matrix(layer.at(site)));
      if (site <= Site::v) add(name + ".bias", layer.bias(site));
    }
  }
  return all;
}

// A Hugging Face folder that holds `weights`, with the tiny tokenizer.
inline void write_tiny_folder(const Weights& weights, const Path& folder) {
  std::filesystem::create_directories(folder);
  std::vector<tensor::Tensor> values;
  std::vector<formats::NamedView> views;
  for (const auto& [name, view] : tensors_of(weights)) {
    tensor::Tensor& copy = values.emplace_back(
        tensor::Tensor::from({view.f32(), static_cast<std::size_t>(view.shape.count())}, view.shape));
    if (weights.config.architecture == "gemma3" && name.ends_with("norm.weight"))
      for (std::int64_t i = 0; i < view.shape.count(); ++i) copy.f32()[i] -= 1;
    views.push_back({name, copy.view()});
  }
  formats::write_safetensors(folder / "model.safetensors", views, {{"format", "pt"}});
  const TokenIds ids{.bos = 266, .padding = {}, .ends = {267}};
  write_file(folder / "config.json", to_text(value_or_throw(hugging_face_config(weights.config, ids, "float32"))));
  const TokenizerFiles files = value_or_throw(hugging_face_tokenizer(tiny_words("smollm"), ids));
  write_file(folder / "tokenizer.json", files.tokenizer_json);
  write_file(folder / "tokenizer_config.json", to_text(files.config));
}

// An adapter that changes everything it targets.
inline Adapter tiny_adapter(const Config& config, const LoraSpec& spec) {
  Adapter adapter = Adapter::init(config, spec);
  Rng rng(spec.seed, 99);
  for (const Adapter::Named& named : adapter.tensors())
    for (std::int64_t i = 0; i < named.tensor->shape().count(); ++i)
      named.tensor->f32()[i] = static_cast<float>(0.3 * rng.normal());
  return adapter;
}
inline Adapter tiny_adapter(const Config& config, std::uint64_t seed) {
  return tiny_adapter(config, {.rank = 3, .alpha = 7, .seed = seed});
}

}  // namespace hone::model
