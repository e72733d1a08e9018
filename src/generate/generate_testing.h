// A tiny model with a byte-level tokenizer for tests of this folder.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/testing.h"
#include "formats/gguf.h"
#include "model/model.h"
#include "model/weights.h"
#include "text/byte_alphabet.h"

namespace hone::generate {

inline constexpr text::TokenId turn_start = 264;
inline constexpr text::TokenId turn_stop = 265;

// 256 bytes, six merged pairs, two that are never made, then the turn markers.
inline std::vector<std::string> tiny_spellings() {
  std::vector<std::string> spellings;
  for (int byte = 0; byte < 256; ++byte) {
    spellings.push_back(text::spelling_of_bytes(std::string(1, static_cast<char>(byte))));
  }
  spellings.insert(spellings.end(), {"he", "in", "er", "ma", "no", "be", "unused1", "unused2"});
  spellings.insert(spellings.end(), {"<|im_start|>", "<|im_end|>"});
  return spellings;
}

inline std::vector<std::string> tiny_merges() { return {"h e", "i n", "e r", "m a", "n o", "b e"}; }

inline model::Config tiny_config() {
  model::Config config;
  config.layers = 2;
  config.width = 16;
  config.hidden = 24;
  config.heads = 2;
  config.kv_heads = 1;
  config.head_width = 8;
  config.vocabulary = 266;
  config.context = 512;
  return config;
}

inline text::GgufVocabulary tiny_vocabulary() {
  text::GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "smollm";
  vocabulary.tokens = tiny_spellings();
  vocabulary.types.assign(266, 1);
  vocabulary.types[264] = vocabulary.types[265] = 3;
  vocabulary.merges = tiny_merges();
  vocabulary.eos = turn_stop;
  return vocabulary;
}

// One that has no token for a byte.
inline text::Tokenizer tiny_tokenizer_without(int byte) {
  text::GgufVocabulary vocabulary = tiny_vocabulary();
  vocabulary.tokens[static_cast<std::size_t>(byte)] = "unused3";
  return value_or_throw(text::Tokenizer::from_gguf(vocabulary));
}

inline model::Model tiny_model(std::uint64_t seed = 7) {
  auto weights = std::make_shared<const model::Weights>(model::random_weights(tiny_config(), seed));
  return {"tiny",
          {},
          "",
          std::make_shared<const model::Decoder>(weights),
          value_or_throw(text::Tokenizer::from_gguf(tiny_vocabulary())),
          text::ChatTemplate::chatml(),
          true};
}

// The same kind of model as a GGUF file.
inline std::string tiny_gguf(std::uint64_t seed = 7) {
  using formats::GgmlType;
  std::vector<std::int64_t> types(266, 1);
  types[264] = types[265] = 3;
  const auto whole = [](int value) { return static_cast<std::uint64_t>(value); };
  const model::Config config = tiny_config();
  const formats::GgufMetadata metadata = {{"general.architecture", std::string("llama")},
                                          {"llama.block_count", whole(config.layers)},
                                          {"llama.embedding_length", whole(config.width)},
                                          {"llama.feed_forward_length", whole(config.hidden)},
                                          {"llama.attention.head_count", whole(config.heads)},
                                          {"llama.attention.head_count_kv", whole(config.kv_heads)},
                                          {"llama.context_length", whole(config.context)},
                                          {"llama.attention.layer_norm_rms_epsilon", 1e-5},
                                          {"tokenizer.ggml.model", std::string("gpt2")},
                                          {"tokenizer.ggml.pre", std::string("smollm")},
                                          {"tokenizer.ggml.tokens", tiny_spellings()},
                                          {"tokenizer.ggml.token_type", types},
                                          {"tokenizer.ggml.merges", tiny_merges()},
                                          {"tokenizer.ggml.eos_token_id", whole(turn_stop)}};
  const model::Weights weights = model::random_weights(config, seed);
  std::vector<formats::GgufTensor> tensors;
  const auto add = [&](const std::string& name, const float* values, tensor::Shape shape) {
    const auto bytes = static_cast<std::size_t>(shape.count()) * sizeof(float);
    tensors.push_back({name, GgmlType::f32, shape, {reinterpret_cast<const char*>(values), bytes}});
  };
  add("token_embd.weight", weights.embedding.f32(), {config.vocabulary, config.width});
  add("output_norm.weight", weights.final_norm.f32(), {config.width});
  for (int i = 0; i < config.layers; ++i) {
    const model::LayerWeights& layer = weights.layers[static_cast<std::size_t>(i)];
    const std::string block = "blk." + std::to_string(i) + ".";
    add(block + "attn_norm.weight", layer.attention_norm.f32(), {config.width});
    add(block + "ffn_norm.weight", layer.feed_norm.f32(), {config.width});
    const char* names[] = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};
    for (const model::Site site : model::all_sites) {
      add(block + names[static_cast<std::size_t>(site)] + ".weight", layer.at(site).f32(),
          model::shape_of(config, site));
    }
  }
  return formats::gguf_bytes(metadata, tensors);
}

// An adapter that changes what the model says: A and B random.
inline model::Adapter tiny_adapter(std::uint64_t seed) {
  model::LoraSpec lora;
  lora.rank = 2;
  lora.seed = seed;
  model::Adapter adapter = model::Adapter::init(tiny_config(), lora);
  Rng rng(seed);
  for (const auto& named : adapter.tensors()) {
    for (std::int64_t i = 0; i < named.tensor->shape().count(); ++i) {
      named.tensor->f32()[i] = static_cast<float>(0.2 * rng.normal());
    }
  }
  return adapter;
}

// logits [vocabulary] after `ids`, computed without sharing or cached keys.
inline std::vector<float> logits_after(tensor::Exec& exec, const model::Model& model, const model::Adapter* adapter,
                                       const std::vector<text::TokenId>& ids) {
  const model::Config& config = model.decoder->config();
  model::KvCache cache(config, static_cast<std::int64_t>(ids.size()));
  const int node = cache.add_node(-1, static_cast<int>(ids.size()));
  const auto length = static_cast<std::int32_t>(ids.size());
  tensor::Tensor hidden = tensor::Tensor::empty({1, config.width});
  model.decoder->forward(exec, {ids, {{node, length}}, {length - 1}}, adapter, cache, hidden.view());
  tensor::Tensor logits = tensor::Tensor::empty({1, config.vocabulary});
  model.decoder->logits(exec, hidden.view(), logits.view());
  return {logits.f32(), logits.f32() + config.vocabulary};
}

}  // namespace hone::generate
