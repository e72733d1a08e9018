#include "model/load_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "formats/safetensors.h"

namespace hone::model {
namespace {

Json small_config() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", 8},
          {"intermediate_size", 6},
          {"num_hidden_layers", 1},
          {"num_attention_heads", 2},
          {"num_key_value_heads", 1},
          {"vocab_size", 5},
          {"max_position_embeddings", 64},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 100000},
          {"rope_scaling", nullptr},
          {"hidden_act", "silu"},
          {"tie_word_embeddings", true}};
}

class LoadFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("hone-folder-{}", ::getpid());
    std::filesystem::create_directories(folder_);
    write_config(small_config());
    const Config config = value_or_throw(folder_config(small_config(), "x"));
    const WeightsBuilder builder = value_or_throw(WeightsBuilder::make(config));
    for (const WeightsBuilder::Wanted& wanted : builder.wanted()) add(wanted.name, wanted.shape);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write_config(const Json& json) { write_file(folder_ / "config.json", to_text(json)); }
  void add(const std::string& name, tensor::Shape shape) {
    tensor::Tensor values = tensor::Tensor::zeros(shape);
    for (std::int64_t i = 0; i < shape.count(); ++i) values.f32()[i] = static_cast<float>(tensors_.size()) + 0.5F;
    tensors_[name] = std::move(values);
  }
  void write(const std::string& file, const std::function<bool(const std::string&)>& included) {
    std::vector<formats::NamedView> views;
    for (const auto& [name, values] : tensors_)
      if (included(name)) views.push_back({name, values.view()});
    formats::write_safetensors(folder_ / file, views, {});
  }
  void write_all() {
    write("model.safetensors", [](const std::string&) { return true; });
  }
  std::string error() {
    tensor::Exec exec(2);
    const Result<Weights> weights = load_folder(exec, folder_);
    return weights ? "" : weights.error().message;
  }
  void expect_says(std::string_view part) {
    const std::string message = error();
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }

  Path folder_;
  std::map<std::string, tensor::Tensor> tensors_;
};

TEST_F(LoadFolderTest, OneFileLoads) {
  write_all();
  tensor::Exec exec(2);
  const Weights weights = value_or_throw(load_folder(exec, folder_));
  EXPECT_EQ(weights.config.head_width, 4);
  EXPECT_EQ(weights.config.rope_base, 100000.0F);
  EXPECT_EQ(weights.layers[0].at(Site::down).f32()[0], tensors_.at("model.layers.0.mlp.down_proj.weight").f32()[0]);
}

TEST_F(LoadFolderTest, ShardsLoadAsOneFileDoes) {
  write("a.safetensors", [](const std::string& name) { return name < "model.layers.0.n"; });
  write("b.safetensors", [](const std::string& name) { return name >= "model.layers.0.n"; });
  Json map = Json::object();
  for (const auto& [name, values] : tensors_) map[name] = name < "model.layers.0.n" ? "a.safetensors" : "b.safetensors";
  write_file(folder_ / "model.safetensors.index.json", to_text({{"weight_map", map}}));
  EXPECT_EQ(error(), "");
  std::filesystem::remove(folder_ / "b.safetensors");
  expect_says("the shard b.safetensors, which holds tensor 'model.layers.0.post_attention_layernorm.weight', is not");
  for (const char* outside : {"../b.safetensors", "/b.safetensors", "..", ""}) {
    map["model.norm.weight"] = outside;
    write_file(folder_ / "model.safetensors.index.json", to_text({{"weight_map", map}}));
    expect_says("expected a file name");
  }
}

TEST_F(LoadFolderTest, MissingWrongUnknownAndNotFiniteTensorsAreNamed) {
  add("model.layers.0.self_attn.q_proj.bias", {8});
  write_all();
  expect_says("tensor 'model.layers.0.self_attn.q_proj.bias' is not a part");
  tensors_.erase("model.layers.0.self_attn.q_proj.bias");
  add("model.layers.0.self_attn.rotary_emb.inv_freq", {2});
  add("lm_head.weight", {5, 8});  // stored again although tied
  write_all();
  EXPECT_EQ(error(), "");
  add("model.embed_tokens.weight", {6, 8});
  write_all();
  expect_says("tensor model.embed_tokens.weight has the shape [6, 8], expected [5, 8] (vocab_size, hidden_size");
  add("model.embed_tokens.weight", {5, 8});
  tensors_["model.layers.0.mlp.up_proj.weight"].f32()[11] = std::numeric_limits<float>::quiet_NaN();
  write_all();
  expect_says("tensor model.layers.0.mlp.up_proj.weight holds nan in row 1, column 3; the file is damaged");
  tensors_["model.layers.0.mlp.up_proj.weight"].f32()[11] = 1e30F;  // finite, although its square is not
  write_all();
  EXPECT_EQ(error(), "");
  add("model.norm.weight", {9});
  write_all();
  expect_says("tensor model.norm.weight has the shape [9], expected [8]");
  tensors_.erase("model.norm.weight");
  write_all();
  expect_says("tensor model.norm.weight is missing");
}

TEST_F(LoadFolderTest, AnotherDtypeIsNamed) {
  write_all();
  std::string bytes = value_or_throw(read_file(folder_ / "model.safetensors"));
  const auto tensor = bytes.find("\"model.norm.weight\"");
  bytes.replace(bytes.find("\"F32\"", tensor), 5, "\"I32\"");
  write_file(folder_ / "model.safetensors", bytes);
  expect_says("model.norm.weight");
  expect_says("I32");
  bytes.replace(bytes.find("\"I32\"", tensor), 5, "\"I64\"");
  write_file(folder_ / "model.safetensors", bytes);
  expect_says("model.norm.weight");
}

// bitsandbytes' NF4 as transformers saves it, with and without double quantisation; other forms are refused by name.
TEST_F(LoadFolderTest, MatricesInNf4AreReadAsTheyAre) {
  const std::string name = "model.layers.0.mlp.up_proj.weight";
  const tensor::Shape shape = {6, 8};
  for (const bool nested : {false, true}) {
    tensor::Tensor values = tensor::Tensor::empty(shape);
    for (std::int64_t i = 0; i < 48; ++i) values.f32()[i] = std::sin(static_cast<float>(i));
    ops::Nf4 nf4 = ops::empty_nf4(48);
    ops::quantize_nf4({values.f32(), 48}, 0, nf4);
    Json state = {{"quant_type", "nf4"}, {"blocksize", 64}, {"dtype", "bfloat16"}, {"shape", {6, 8}}};
    if (nested) {
      ops::nest_scales(nf4);
      state.update({{"nested_blocksize", 256}, {"nested_dtype", "float32"}, {"nested_offset", nf4.offset}});
    }
    std::vector<float> expected(48);
    ops::widen_nf4(nf4, 0, expected);
    const auto write_with = [&](const Json& said) {
      const std::string text = to_text(said);
      std::vector<formats::NamedView> views = {
          {name, std::as_const(nf4.codes).view()},
          {name + ".quant_map", {ops::nf4_levels().data(), {16}, tensor::DType::f32}},
          {name + ".quant_state.bitsandbytes__nf4",
           {text.data(), {static_cast<std::int64_t>(text.size())}, tensor::DType::u8}},
          {name + ".absmax", nested ? std::as_const(nf4.scale_codes).view() : std::as_const(nf4.scales).view()}};
      if (nested) {
        views.push_back({name + ".nested_absmax", std::as_const(nf4.scale_maxima).view()});
        views.push_back({name + ".nested_quant_map", {nf4.scale_levels.data(), {256}, tensor::DType::f32}});
      }
      for (const auto& [other, tensor] : tensors_)
        if (other != name) views.push_back({other, tensor.view()});
      formats::write_safetensors(folder_ / "model.safetensors", views, {});
    };
    write_with(state);
    tensor::Exec exec(2);
    for (const Precision precision : {Precision::f32, Precision::as_is, Precision::nf4}) {
      const Weights weights = value_or_throw(load_folder(exec, folder_, precision));
      const ops::Weight& up = weights.layers[0].at(Site::up);
      std::vector<float> got(48);
      up.widen(0, 6, got.data());
      EXPECT_EQ(got, expected);
      if (precision == Precision::f32) continue;
      EXPECT_EQ(up.kind(), nested ? ops::WeightKind::nf4_double : ops::WeightKind::nf4);
      EXPECT_EQ(weights.bytes(), value_or_throw(measure_folder(folder_, precision)).weight_bytes);
    }
    state["blocksize"] = 128;
    write_with(state);
    expect_says("blocksize is 128, and Hone reads 64 alone");
    state["blocksize"] = 64;
    state["shape"] = {8, 6};
    write_with(state);
    expect_says("tensor " + name + " is of another shape than [6, 8]");
  }
  Json config = small_config();
  config["quantization_config"] = {
      {"quant_method", "bitsandbytes"}, {"load_in_4bit", true}, {"bnb_4bit_quant_type", "nf4"}};
  EXPECT_TRUE(folder_config(config, "x"));
}

TEST_F(LoadFolderTest, AFolderWithoutSafetensorsSaysSo) { expect_says("convert them to safetensors"); }

TEST_F(LoadFolderTest, ATruncatedFileIsNamed) {
  write_all();
  const std::string bytes = value_or_throw(read_file(folder_ / "model.safetensors"));
  write_file(folder_ / "model.safetensors", bytes.substr(0, bytes.size() - 10));
  expect_says("model.safetensors");
  expect_says("damaged or incomplete");
}

TEST(FolderConfig, OldAndNewRopeFieldsAgree) {
  Json fresh = small_config();
  fresh.erase("rope_theta");
  fresh.erase("rope_scaling");
  fresh["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 100000.0}};
  const Config one = value_or_throw(folder_config(small_config(), "x"));
  const Config two = value_or_throw(folder_config(fresh, "x"));
  EXPECT_EQ(one.rope_base, two.rope_base);
  EXPECT_EQ(one.head_width, two.head_width);
}

// The text part of Gemma 3 models that also see images: other names, and tensors that are left alone.
TEST_F(LoadFolderTest, TheTextPartOfAModelThatSeesImagesLoads) {
  Json text = small_config();
  text["model_type"] = "gemma3_text";
  text.erase("architectures");
  text["num_attention_heads"] = 2;
  text["head_dim"] = 4;
  text["hidden_activation"] = "gelu_pytorch_tanh";
  text.erase("hidden_act");
  Json whole = {{"architectures", {"Gemma3ForConditionalGeneration"}}, {"model_type", "gemma3"}, {"text_config", text}};
  const Config config = value_or_throw(folder_config(whole, "x"));
  for (const char* prefix : {"language_model.model.", "model.language_model."}) {
    tensors_.clear();
    const WeightsBuilder builder = value_or_throw(WeightsBuilder::make(config));
    for (const auto& wanted : builder.wanted()) {
      add(prefix + wanted.name.substr(std::string("model.").size()), wanted.shape);
    }
    add("vision_tower.vision_model.embeddings.position_embedding.weight", {3, 2});
    add("model.multi_modal_projector.mm_soft_emb_norm.weight", {3});
    write_config(whole);
    write_all();
    tensor::Exec exec(2);
    const Weights weights = value_or_throw(load_folder(exec, folder_));
    const std::string name = prefix + std::string("layers.0.mlp.up_proj.weight");
    EXPECT_EQ(weights.layers[0].at(Site::up).f32()[0], tensors_.at(name).f32()[0]);
    EXPECT_EQ(weights.final_norm.f32()[0], 1 + tensors_.at(prefix + std::string("norm.weight")).f32()[0]);
  }
  write_config(text);
  add("speech_tower.weight", {2});
  write_all();
  expect_says("tensor 'speech_tower.weight' is not a part of a gemma3 model");
}

// What the published folders say, as far as the decoder asks.
TEST(FolderConfig, PublishedModelsAreRead) {
  const Config gemma = value_or_throw(folder_config({{"architectures", {"Gemma3ForConditionalGeneration"}},
                                                     {"text_config",
                                                      {{"hidden_size", 2560},
                                                       {"intermediate_size", 10240},
                                                       {"model_type", "gemma3_text"},
                                                       {"num_hidden_layers", 34},
                                                       {"rope_scaling", {{"factor", 8.0}, {"rope_type", "linear"}}},
                                                       {"sliding_window", 1024}}}},
                                                    "gemma-3-4b-it"));
  EXPECT_EQ(gemma.heads, 8);
  EXPECT_EQ(gemma.kv_heads, 4);
  EXPECT_EQ(gemma.head_width, 256);
  EXPECT_EQ(gemma.vocabulary, 262208);
  EXPECT_EQ(gemma.window, 1024);
  EXPECT_TRUE(gemma.slides(4) && !gemma.slides(5) && gemma.slides(6));
  EXPECT_EQ(gemma.rope_base, 1e6F);
  EXPECT_EQ(gemma.sliding_rope_base, 1e4F);
  EXPECT_EQ(rope_frequencies(gemma, 5)[0], 1 / 8.0F);
  EXPECT_EQ(rope_frequencies(gemma, 0)[0], 1.0F);
  EXPECT_TRUE(gemma.tied_head);
  const Config llama = value_or_throw(folder_config({{"architectures", {"LlamaForCausalLM"}},
                                                     {"head_dim", 64},
                                                     {"hidden_act", "silu"},
                                                     {"hidden_size", 2048},
                                                     {"intermediate_size", 8192},
                                                     {"max_position_embeddings", 131072},
                                                     {"num_attention_heads", 32},
                                                     {"num_hidden_layers", 16},
                                                     {"num_key_value_heads", 8},
                                                     {"rms_norm_eps", 1e-5},
                                                     {"rope_scaling",
                                                      {{"factor", 32.0},
                                                       {"high_freq_factor", 4.0},
                                                       {"low_freq_factor", 1.0},
                                                       {"original_max_position_embeddings", 8192},
                                                       {"rope_type", "llama3"}}},
                                                     {"rope_theta", 500000.0},
                                                     {"tie_word_embeddings", true},
                                                     {"torch_dtype", "bfloat16"},
                                                     {"vocab_size", 128256}},
                                                    "Llama-3.2-1B"));
  const std::vector<float> frequencies = rope_frequencies(llama, 0);
  EXPECT_EQ(frequencies[0], 1.0F);
  EXPECT_FLOAT_EQ(frequencies[31], std::pow(500000.0F, -62.0F / 64) / 32);
  const Config qwen = value_or_throw(folder_config({{"architectures", {"Qwen2ForCausalLM"}},
                                                    {"hidden_size", 896},
                                                    {"intermediate_size", 4864},
                                                    {"max_window_layers", 21},
                                                    {"num_attention_heads", 14},
                                                    {"num_hidden_layers", 24},
                                                    {"num_key_value_heads", 2},
                                                    {"rope_theta", 1000000.0},
                                                    {"sliding_window", 32768},
                                                    {"use_sliding_window", false},
                                                    {"vocab_size", 151936}},
                                                   "Qwen2.5-0.5B"));
  EXPECT_TRUE(qwen.attention_bias && !qwen.head_norm);
  EXPECT_EQ(qwen.head_width, 64);
  EXPECT_EQ(qwen.window, 0);
}

TEST(FolderConfig, WindowsOfQwenBeginAtALayer) {
  Json json = small_config();
  json["architectures"] = {"Qwen3ForCausalLM"};
  json["num_hidden_layers"] = 3;
  json["head_dim"] = 4;
  json["use_sliding_window"] = true;
  json["sliding_window"] = 16;
  json["max_window_layers"] = 2;
  const Config config = value_or_throw(folder_config(json, "x"));
  EXPECT_TRUE(!config.slides(1) && config.slides(2));
  EXPECT_EQ(config.window, 16);
  json["layer_types"] = {"sliding_attention", "full_attention"};
  EXPECT_NE(folder_config(json, "x").error().message.find("layer_types must be a list of num_hidden_layers (3)"),
            std::string::npos);
  json["layer_types"] = {"sliding_attention", "full_attention", "linear_attention"};
  EXPECT_NE(folder_config(json, "x").error().message.find("field layer_types"), std::string::npos);
}

TEST(FolderConfig, RopeScalingOfAnImpossibleShapeIsRefused) {
  for (const Json& scaling : {Json{{"rope_type", "linear"}}, Json{{"rope_type", "linear"}, {"factor", 0}},
                              Json{{"rope_type", "linear"}, {"factor", "8"}},
                              Json{{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}}}) {
    Json json = small_config();
    json["rope_scaling"] = scaling;
    const Result<Config> config = folder_config(json, "x");
    ASSERT_FALSE(config) << scaling;
    EXPECT_EQ(config.error().code, ErrorCode::bad_input) << config.error().message;
  }
}

TEST(FolderConfig, DefaultsAreThoseOfTransformers) {
  Json json = small_config();
  for (const char* name :
       {"num_key_value_heads", "rms_norm_eps", "rope_theta", "max_position_embeddings", "tie_word_embeddings"})
    json.erase(name);
  const Config config = value_or_throw(folder_config(json, "x"));
  EXPECT_EQ(config.kv_heads, 2);
  EXPECT_EQ(config.norm_epsilon, 1e-6F);
  EXPECT_EQ(config.rope_base, 10000.0F);
  EXPECT_EQ(config.context, 2048);
  EXPECT_FALSE(config.tied_head);
}

TEST(FolderConfig, WhatTheDecoderCannotDoIsRefusedByField) {
  const std::pair<const char*, Json> cases[] = {
      {"rope_scaling", {{"rope_type", "dynamic"}, {"factor", 32}}},
      {"rope_scaling", {{"type", "longrope"}, {"factor", 2}}},
      {"rope_scaling", {{"type", "default"}, {"factor", 2}}},
      {"rope_scaling", "linear"},
      {"rope_parameters", {{"rope_type", "yarn"}, {"rope_theta", 10000}}},
      {"attention_bias", true},
      {"mlp_bias", true},
      {"hidden_act", "gelu"},
      {"quantization_config", {{"quant_method", "awq"}}},
      {"quantization_config", {{"quant_method", "bitsandbytes"}, {"load_in_8bit", true}}},
      {"partial_rotary_factor", 0.5},
  };
  for (const auto& [name, value] : cases) {
    Json json = small_config();
    json[name] = value;
    const Result<Config> config = folder_config(json, "config.json");
    ASSERT_FALSE(config) << name;
    EXPECT_EQ(config.error().code, ErrorCode::unsupported);
    EXPECT_NE(config.error().message.find(fmt::format("config.json: field {}", name)), std::string::npos)
        << config.error().message;
  }
  Json other = small_config();
  other["architectures"] = {"MambaForCausalLM"};
  const std::string message = folder_config(other, "x").error().message;
  EXPECT_NE(message.find("architecture MambaForCausalLM cannot be run"), std::string::npos) << message;
  EXPECT_NE(message.find("qwen3 (Qwen3), gemma3 (Gemma 3, text)"), std::string::npos) << message;
  EXPECT_FALSE(folder_config(Json::array(), "x"));
}

TEST(FolderConfig, FieldsOfAnotherTypeAreRefusedByName) {
  for (const char* name : {"hidden_size", "num_hidden_layers", "vocab_size"}) {
    for (const Json& value : {Json("8"), Json(-1), Json(0), Json(1.5), Json(nullptr), Json(1ULL << 40)}) {
      Json json = small_config();
      json[name] = value;
      const Result<Config> config = folder_config(json, "x");
      ASSERT_FALSE(config) << name << " " << value;
      EXPECT_NE(config.error().message.find(name), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace hone::model
