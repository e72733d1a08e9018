#include "model/load_gguf.h"

#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <optional>

namespace hone::model {
namespace {

using formats::GgmlType;
using formats::GgufFile;
using formats::GgufMetadata;
using formats::GgufTensor;

// A llama GGUF in parts, so that any can be left out or changed: width 12, 3 heads of 4, 1 kv head, 2 layers.
class Tiny {
 public:
  Tiny() {
    metadata_ = {{"general.architecture", std::string("llama")},
                 {"llama.block_count", std::uint64_t{2}},
                 {"llama.embedding_length", std::uint64_t{12}},
                 {"llama.feed_forward_length", std::uint64_t{6}},
                 {"llama.attention.head_count", std::uint64_t{3}},
                 {"llama.attention.head_count_kv", std::uint64_t{1}},
                 {"llama.context_length", std::uint64_t{64}},
                 {"llama.rope.freq_base", 100000.0},
                 {"llama.attention.layer_norm_rms_epsilon", 1e-5},
                 {"tokenizer.ggml.model", std::string("gpt2")},
                 {"tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "c", "d", "e"}}};
    add("token_embd.weight", {5, 12});
    add("output_norm.weight", {12});
    for (const std::string layer : {"blk.0.", "blk.1."}) {
      add(layer + "attn_norm.weight", {12});
      add(layer + "ffn_norm.weight", {12});
      add(layer + "attn_q.weight", {12, 12});
      add(layer + "attn_k.weight", {4, 12});
      add(layer + "attn_v.weight", {4, 12});
      add(layer + "attn_output.weight", {12, 12});
      add(layer + "ffn_gate.weight", {6, 12});
      add(layer + "ffn_up.weight", {6, 12});
      add(layer + "ffn_down.weight", {12, 6});
    }
  }
  // Values name the row they stand in: row r of a matrix is filled with r.
  void add(const std::string& name, tensor::Shape shape, std::optional<float> last = std::nullopt) {
    std::vector<float>& values = values_.emplace_back(static_cast<std::size_t>(shape.count()));
    const auto columns = static_cast<std::size_t>(shape[shape.rank() - 1]);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i / columns);
    if (last) values.back() = *last;
    remove(name);
    tensors_.push_back(
        {name, GgmlType::f32, shape, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)}});
  }
  void remove(const std::string& name) {
    std::erase_if(tensors_, [&](const GgufTensor& tensor) { return tensor.name == name; });
  }
  GgufMetadata& metadata() { return metadata_; }

  Result<Weights> load() {
    bytes_ = formats::gguf_bytes(metadata_, tensors_);
    const GgufFile file = value_or_throw(GgufFile::parse(bytes_, "tiny"));
    tensor::Exec exec(2);
    return load_gguf(exec, file, "tiny.gguf");
  }
  Result<text::GgufVocabulary> vocabulary() {
    bytes_ = formats::gguf_bytes(metadata_, tensors_);
    return gguf_vocabulary(value_or_throw(GgufFile::parse(bytes_, "tiny")), "tiny.gguf");
  }
  void expect_refused(ErrorCode code, std::string_view part) {
    const Result<Weights> weights = load();
    ASSERT_FALSE(weights) << part;
    EXPECT_EQ(weights.error().code, code) << weights.error().message;
    EXPECT_NE(weights.error().message.find(part), std::string::npos) << weights.error().message;
    EXPECT_TRUE(weights.error().message.starts_with("tiny.gguf: ")) << weights.error().message;
  }

 private:
  GgufMetadata metadata_;
  std::deque<std::vector<float>> values_;
  std::vector<GgufTensor> tensors_;
  std::string bytes_;
};

TEST(LoadGguf, ConfigComesFromTheKeys) {
  const Weights weights = value_or_throw(Tiny().load());
  EXPECT_EQ(weights.config.layers, 2);
  EXPECT_EQ(weights.config.width, 12);
  EXPECT_EQ(weights.config.hidden, 6);
  EXPECT_EQ(weights.config.heads, 3);
  EXPECT_EQ(weights.config.kv_heads, 1);
  EXPECT_EQ(weights.config.head_width, 4);
  EXPECT_EQ(weights.config.vocabulary, 5);
  EXPECT_EQ(weights.config.context, 64);
  EXPECT_EQ(weights.config.rope_base, 100000.0F);
  EXPECT_EQ(weights.config.norm_epsilon, 1e-5F);
  EXPECT_TRUE(weights.config.tied_head);
}

TEST(LoadGguf, RowsOfQAndKReturnToHuggingFaceOrder) {
  const Weights weights = value_or_throw(Tiny().load());
  const LayerWeights& layer = weights.layers[1];
  // Within a head of 4, the file holds x0 x2 x1 x3: pairs that rotate together lie side by side.
  const std::vector<float> in_file = {0, 2, 1, 3};
  for (int row = 0; row < 12; ++row) {
    const float want = static_cast<float>(row / 4 * 4) + in_file[static_cast<std::size_t>(row % 4)];
    EXPECT_EQ(layer.at(Site::q).f32()[row * 12], want);
    EXPECT_EQ(layer.at(Site::o).f32()[row * 12 + 11], static_cast<float>(row));
    if (row >= 4) continue;
    EXPECT_EQ(layer.at(Site::k).f32()[row * 12], want);
    EXPECT_EQ(layer.at(Site::v).f32()[row * 12], static_cast<float>(row));
  }
}

TEST(LoadGguf, AnOutputMatrixUntiesTheHead) {
  Tiny tiny;
  tiny.add("output.weight", {5, 12});
  const Weights weights = value_or_throw(tiny.load());
  EXPECT_FALSE(weights.config.tied_head);
  EXPECT_EQ(weights.head().f32()[4 * 12], 4.0F);
}

TEST(LoadGguf, MissingWrongAndUnknownTensorsAreNamed) {
  Tiny missing;
  missing.remove("blk.1.ffn_up.weight");
  missing.expect_refused(ErrorCode::bad_input, "tensor blk.1.ffn_up.weight is missing");
  Tiny wrong;
  wrong.add("blk.0.attn_v.weight", {8, 12});
  wrong.expect_refused(ErrorCode::bad_input, "tensor blk.0.attn_v.weight has the shape [8, 12], expected [4, 12]");
  Tiny bias;
  bias.add("blk.0.attn_q.bias", {12});
  bias.expect_refused(ErrorCode::unsupported, "tensor 'blk.0.attn_q.bias' is not a part");
  Tiny empty;
  empty.remove("token_embd.weight");
  empty.expect_refused(ErrorCode::bad_input, "token_embd.weight is missing");
}

TEST(LoadGguf, WhatTheDecoderCannotDoIsRefusedByKey) {
  const std::pair<const char*, formats::GgufValue> cases[] = {
      {"general.architecture", std::string("mamba")},
      {"general.type", std::string("adapter")},
      {"llama.rope.scaling.type", std::string("yarn")},
      {"llama.rope.dimension_count", std::uint64_t{2}},
      {"llama.attention.value_length", std::uint64_t{8}},
      {"llama.expert_count", std::uint64_t{8}},
      {"llama.final_logit_softcapping", 30.0},
      {"split.count", std::uint64_t{3}},
      {"llama.attention.sliding_window", std::uint64_t{4096}},
      {"llama.attention.causal", false},
  };
  for (const auto& [key, value] : cases) {
    Tiny tiny;
    tiny.metadata()[key] = value;
    tiny.expect_refused(ErrorCode::unsupported, key == std::string("general.architecture") ? "'mamba'" : key);
  }
}

TEST(LoadGguf, RopeScalingIsReadInAllItsForms) {
  Tiny linear;
  linear.metadata()["llama.rope.scaling.type"] = std::string("linear");
  linear.metadata()["llama.rope.scaling.factor"] = 4.0;
  EXPECT_EQ(rope_frequencies(value_or_throw(linear.load()).config, 0)[0], 0.25F);
  Tiny old;
  old.metadata()["llama.rope.scale_linear"] = 2.0;
  EXPECT_EQ(rope_frequencies(value_or_throw(old.load()).config, 0)[0], 0.5F);
  Tiny divisors;
  divisors.add("rope_freqs.weight", {2});  // zeros
  divisors.expect_refused(ErrorCode::bad_input, "a RoPE divisor is 0");
  divisors.add("rope_freqs.weight", {3});
  divisors.expect_refused(ErrorCode::bad_input, "tensor rope_freqs.weight has the shape [3], expected [2]");
  Tiny both;
  both.metadata()["llama.rope.scaling.factor"] = 4.0;
  both.add("rope_freqs.weight", {2});
  both.expect_refused(ErrorCode::unsupported, "rope_freqs.weight");
}

TEST(LoadGguf, ValuesThatAreNotFiniteAreNamed) {
  Tiny tiny;
  tiny.add("blk.1.ffn_up.weight", {6, 12}, std::numeric_limits<float>::infinity());
  tiny.expect_refused(ErrorCode::bad_input, "tensor blk.1.ffn_up.weight holds inf in row 5, column 11");
}

TEST(LoadGguf, AWindowOfZeroIsNone) {
  Tiny tiny;
  tiny.metadata()["llama.attention.sliding_window"] = std::uint64_t{0};
  EXPECT_EQ(value_or_throw(tiny.load()).config.window, 0);
}

TEST(LoadGguf, AbsentAndAbsurdSizesAreRefusedByKey) {
  for (const char* key : {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length",
                          "llama.attention.head_count", "llama.context_length"}) {
    Tiny absent;
    absent.metadata().erase(key);
    absent.expect_refused(ErrorCode::bad_input, key);
    Tiny zero;
    zero.metadata()[key] = std::uint64_t{0};
    zero.expect_refused(ErrorCode::bad_input, key);
    Tiny huge;
    huge.metadata()[key] = std::uint64_t{1} << 40;
    huge.expect_refused(ErrorCode::bad_input, key);
    Tiny text;
    text.metadata()[key] = std::string("12");
    text.expect_refused(ErrorCode::bad_input, key);
  }
  Tiny layers;
  layers.metadata()["llama.block_count"] = std::uint64_t{1000000};
  layers.expect_refused(ErrorCode::bad_input, "llama.block_count is 1000000");
  Tiny epsilon;
  epsilon.metadata().erase("llama.attention.layer_norm_rms_epsilon");
  epsilon.expect_refused(ErrorCode::bad_input, "layer_norm_rms_epsilon");
}

TEST(LoadGguf, TheVocabularyIsGatheredAndItsIdsChecked) {
  Tiny tiny;
  tiny.metadata()["tokenizer.ggml.pre"] = std::string("llama-bpe");
  tiny.metadata()["tokenizer.ggml.eos_token_id"] = std::uint64_t{4};
  tiny.metadata()["tokenizer.ggml.token_type"] = std::vector<std::int64_t>{1, 1, 1, 3, 3};
  const text::GgufVocabulary vocabulary = value_or_throw(tiny.vocabulary());
  EXPECT_EQ(vocabulary.tokens.size(), 5U);
  EXPECT_EQ(vocabulary.eos, 4);
  EXPECT_EQ(vocabulary.bos, std::nullopt);
  EXPECT_EQ(vocabulary.types[3], 3);
  EXPECT_TRUE(vocabulary.add_bos);  // llama.cpp's rule for this pre-tokenizer
  tiny.metadata()["tokenizer.ggml.add_bos_token"] = false;
  EXPECT_FALSE(value_or_throw(tiny.vocabulary()).add_bos);
  tiny.metadata()["tokenizer.ggml.eos_token_id"] = std::uint64_t{5};
  EXPECT_NE(tiny.vocabulary().error().message.find("eos_token_id is 5"), std::string::npos);
  tiny.metadata().erase("tokenizer.ggml.tokens");
  EXPECT_NE(tiny.vocabulary().error().message.find("no tokenizer inside"), std::string::npos);
}

}  // namespace
}  // namespace hone::model
