#include "model/adapter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "base/json.h"
#include "formats/safetensors.h"
#include "model/export_folder.h"
#include "model/weights.h"

namespace hone::model {
namespace {

Config tiny() {
  Config config;
  config.layers = 2;
  config.width = 12;
  config.hidden = 20;
  config.heads = 3;
  config.kv_heads = 1;
  config.head_width = 4;
  config.vocabulary = 30;
  config.context = 64;
  return config;
}

class AdapterFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("hone_adapter_" + std::to_string(::getpid()) + "_" +
                                                       testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  // Saves an adapter, changes one field of its config, and loads it again.
  Result<Adapter> load_with(const char* field, const Json& value) {
    Adapter::init(tiny(), {4, 8, 1}).save(folder, "base");
    Json config = value_or_throw(parse_json(value_or_throw(read_file(folder / "adapter_config.json")), "config"));
    config[field] = value;
    write_file(folder / "adapter_config.json", to_text(config));
    return Adapter::load(folder, tiny());
  }
  Path folder;
};

TEST(Adapter, StartsAsPeftDoes) {
  Adapter adapter = Adapter::init(tiny(), {4, 8, 1});
  EXPECT_EQ(adapter.at(0, Site::q).scale, 2);
  EXPECT_EQ(adapter.layers(), 2);
  EXPECT_EQ(adapter.tensors().size(), 2U * 7 * 2);
  EXPECT_EQ(adapter.tensors()[0].name, "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
  EXPECT_EQ(adapter.tensors()[27].name, "base_model.model.model.layers.1.mlp.down_proj.lora_B.weight");
  const LoraPair& down = adapter.at(1, Site::down);
  EXPECT_EQ(down.a.shape(), tensor::Shape({4, 20}));
  EXPECT_EQ(down.b.shape(), tensor::Shape({12, 4}));
  double most = 0;
  double sum = 0;
  for (std::int64_t i = 0; i < 80; ++i) {
    most = std::max(most, std::fabs(static_cast<double>(down.a.f32()[i])));
    sum += static_cast<double>(down.a.f32()[i]);
  }
  EXPECT_LE(most, 1 / std::sqrt(20.0));
  EXPECT_GE(most, 0.8 / std::sqrt(20.0));
  EXPECT_LE(std::fabs(sum / 80), 0.1);
  for (std::int64_t i = 0; i < 48; ++i) EXPECT_EQ(down.b.f32()[i], 0);
  EXPECT_NE(adapter.at(0, Site::gate).a.f32()[0], adapter.at(0, Site::up).a.f32()[0]);
  EXPECT_EQ(Adapter::init(tiny(), {4, 8, 1}).at(1, Site::q).a.f32()[3], adapter.at(1, Site::q).a.f32()[3]);
  EXPECT_NE(Adapter::init(tiny(), {4, 8, 2}).at(1, Site::q).a.f32()[3], adapter.at(1, Site::q).a.f32()[3]);
}

TEST_F(AdapterFolder, SaveAndLoadKeepEveryBit) {
  Adapter adapter = Adapter::init(tiny(), {4, 6.5F, 9});
  adapter.at(1, Site::o).b.f32()[2] = 0.1F;
  adapter.save(folder, "some/base");
  Adapter loaded = value_or_throw(Adapter::load(folder, tiny()));
  EXPECT_EQ(loaded.spec().rank, 4);
  EXPECT_EQ(loaded.spec().alpha, 6.5F);
  EXPECT_EQ(loaded.parameters(), adapter.parameters());
  const auto want = adapter.tensors();
  const auto got = loaded.tensors();
  for (std::size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(got[i].name, want[i].name);
    EXPECT_EQ(std::memcmp(got[i].tensor->f32(), want[i].tensor->f32(), want[i].tensor->bytes()), 0);
  }
}

TEST_F(AdapterFolder, WhatHoneCannotApplyIsRefusedByField) {
  const std::pair<const char*, Json> refused[] = {
      {"use_dora", true},
      {"modules_to_save", {"lm_head"}},
      {"peft_type", "IA3"},
      {"bias", "all"},
      {"r", "four"},
      {"r", 0},
      {"rank_pattern", {{"q_proj", 0}}},
      {"rank_pattern", {"q_proj"}},
      {"rank_pattern", {{"q_proj", 8}}},  // but the file's A has 4
      {"alpha_pattern", {{"q_proj", "much"}}},
      {"alpha_pattern", {{"q(_proj", 8}}},
      {"layers_to_transform", {"all"}},
      {"layers_pattern", "blocks"},
      {"init_lora_weights", "pissa"},
      {"trainable_token_indices", {1}},
      {"target_parameters", {"x"}},
      {"layer_replication", {{0, 1}}},
      {"lora_bias", true},
      {"alora_invocation_tokens", {5}},
      {"fan_in_fan_out", true},
      {"lora_alpha", nullptr},
  };
  for (const auto& [field, value] : refused) {
    const Result<Adapter> loaded = load_with(field, value);
    ASSERT_FALSE(loaded) << field;
    const std::string& named = value.contains("q(_proj")        ? std::string("q(_proj")
                               : value == Json({{"q_proj", 8}}) ? std::string("q_proj")
                                                                : std::string(field);
    EXPECT_NE(loaded.error().message.find(named), std::string::npos) << loaded.error().message;
  }
  EXPECT_TRUE(load_with("lora_dropout", 0.1));
}

TEST_F(AdapterFolder, RankStabilisedScalingIsKept) {
  const Result<Adapter> loaded = load_with("use_rslora", true);
  ASSERT_TRUE(loaded);
  EXPECT_FLOAT_EQ(loaded->at(1, Site::v).scale, 8 / std::sqrt(4.0F));
}

TEST_F(AdapterFolder, AnotherModelsShapesAreRefusedByTensor) {
  Adapter::init(tiny(), {4, 8, 1}).save(folder, "base");
  Config wider = tiny();
  wider.hidden = 24;
  const Result<Adapter> loaded = Adapter::load(folder, wider);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("gate_proj.lora_B"), std::string::npos) << loaded.error().message;
  Config shallow = tiny();
  shallow.layers = 1;
  EXPECT_FALSE(Adapter::load(folder, shallow));
  EXPECT_FALSE(Adapter::load(folder / "missing", tiny()));
}

TEST_F(AdapterFolder, ValuesThatAreNotFiniteAreRefusedByTensor) {
  Adapter adapter = Adapter::init(tiny(), {4, 8, 1});
  adapter.at(1, Site::k).a.f32()[5] = std::numeric_limits<float>::infinity();
  adapter.save(folder, "base");
  const Result<Adapter> loaded = Adapter::load(folder, tiny());
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("layers.1.self_attn.k_proj.lora_A.weight holds inf at value 5"),
            std::string::npos)
      << loaded.error().message;
}

TEST_F(AdapterFolder, NamesItsBaseByHash) {
  Adapter::init(tiny(), {4, 8, 1}).save(folder, "base", "abc");
  EXPECT_TRUE(check_adapter_base(folder, "abc"));
  const Result<void> other = check_adapter_base(folder, "def");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("abc"), std::string::npos) << other.error().message;
  Adapter::init(tiny(), {4, 8, 1}).save(folder, "base");
  EXPECT_TRUE(check_adapter_base(folder, "def")) << "nothing is said of the base";
}

TEST_F(AdapterFolder, MapsLeftOutChangeNothingButHalvesAreRefused) {
  Adapter adapter = Adapter::init(tiny(), {4, 8, 1});
  adapter.save(folder, "base");
  const auto tensors = adapter.tensors();
  const std::vector<formats::NamedView> pair = {{tensors[0].name, tensors[0].tensor->view()},
                                                {tensors[1].name, tensors[1].tensor->view()}};
  formats::write_safetensors(folder / "adapter_model.safetensors", pair, {});
  Result<Adapter> loaded = Adapter::load(folder, tiny());
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->at(1, Site::down).is_absent());
  EXPECT_EQ(loaded->tensors().size(), 2U);
  EXPECT_EQ(loaded->lowest_layer(), 0);
  EXPECT_NE(loaded->at(0, Site::q).a.f32()[0], 0);
  formats::write_safetensors(folder / "adapter_model.safetensors", std::span(pair).first(1), {});
  loaded = Adapter::load(folder, tiny());
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("lora_B"), std::string::npos);
}

LoraSpec patterned() {
  LoraSpec spec{4, 8, 1};
  spec.scaling = Scaling::by_root;
  spec.targets = {Site::q, Site::down};
  spec.rank_pattern = {{"layers.1.self_attn.q_proj", 2}, {"q_proj", 3}, {".*", 5}};
  spec.alpha_pattern = {{"mlp.*", 1.5F}};
  return spec;
}

// PEFT's get_pattern_key: from a dot or the start to the end of the name, the first of several.
TEST(LoraSpecs, TheFirstPatternThatMatchesToTheEndCounts) {
  const PairSpecs pairs = value_or_throw(pair_specs(tiny(), patterned()));
  const auto rank = [&](int layer, Site site) {
    return pairs[static_cast<std::size_t>(layer)][static_cast<std::size_t>(site)].rank;
  };
  EXPECT_EQ(rank(0, Site::q), 3);
  EXPECT_EQ(rank(1, Site::q), 2);
  EXPECT_EQ(rank(0, Site::down), 5);
  EXPECT_EQ(rank(0, Site::k), 0);
  EXPECT_EQ(pairs[0][static_cast<std::size_t>(Site::down)].alpha, 1.5F);
  EXPECT_EQ(lora_parameters(tiny(), patterned()), Adapter::init(tiny(), patterned()).parameters());
  EXPECT_EQ(pairs[0][static_cast<std::size_t>(Site::q)].alpha, 8);
  LoraSpec partial{4, 8, 1};
  partial.rank_pattern = {{"proj", 2}, {"q_pro", 2}, {"elf_attn.q_proj", 2}};
  EXPECT_EQ(value_or_throw(pair_specs(tiny(), partial))[0][0].rank, 4);
  EXPECT_FALSE(check_lora(tiny(), partial));
  EXPECT_TRUE(check_lora(tiny(), patterned()));
}

TEST(LoraSpecs, APatternThatBacktracksWithoutEndEnds) {
  LoraSpec spec{4, 8, 1};
  spec.rank_pattern = {{"(.+)+(.+)+(.+)+[!?]", 2}};
  const auto pairs = pair_specs(tiny(), spec);
  ASSERT_TRUE(pairs);
  EXPECT_EQ((*pairs)[0][0].rank, 4);
}

TEST_F(AdapterFolder, PatternsLayersAndScalingSurviveAFolder) {
  LoraSpec spec = patterned();
  spec.layers = {1};
  spec.dropout = 0.25F;
  for (const LoraSpec& one : {patterned(), spec}) {
    Adapter adapter = Adapter::init(tiny(), one);
    adapter.save(folder, "base");
    Adapter loaded = value_or_throw(Adapter::load(folder, tiny()));
    EXPECT_EQ(loaded.spec().dropout, one.dropout);
    const auto want = adapter.tensors();
    const auto got = loaded.tensors();
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_EQ(got[i].name, want[i].name);
      ASSERT_EQ(got[i].tensor->shape(), want[i].tensor->shape());
      EXPECT_EQ(std::memcmp(got[i].tensor->f32(), want[i].tensor->f32(), want[i].tensor->bytes()), 0);
    }
    for (int layer = 0; layer < 2; ++layer)
      for (const Site site : all_sites) EXPECT_EQ(loaded.at(layer, site).scale, adapter.at(layer, site).scale);
  }
  const Json config = value_or_throw(parse_json(value_or_throw(read_file(folder / "adapter_config.json")), "config"));
  EXPECT_EQ(config["layers_to_transform"], Json::array({1}));
  EXPECT_EQ(config["target_modules"], Json::array({"q_proj", "down_proj"}));
  EXPECT_EQ(config["rank_pattern"], Json({{"q_proj", 2}, {"down_proj", 5}}));
  EXPECT_EQ(config["alpha_pattern"], Json({{"down_proj", 1.5}}));
  EXPECT_EQ(config["use_rslora"], true);
}

TEST(Adapter, WithoutAnyBItChangesNothing) {
  Adapter adapter = Adapter::init(tiny(), patterned());
  EXPECT_TRUE(adapter.changes_nothing());
  EXPECT_EQ(adapter.largest_rank(), 5);
  adapter.at(1, Site::down).b.f32()[7] = 1e-20F;
  EXPECT_FALSE(adapter.changes_nothing());
  LoraSpec upper = patterned();
  upper.layers = {1};
  EXPECT_EQ(Adapter::init(tiny(), upper).lowest_layer(), 1);
  // The same numbers whether or not its neighbours are adapted.
  EXPECT_EQ(Adapter::init(tiny(), upper).at(1, Site::q).a.f32()[3], adapter.at(1, Site::q).a.f32()[3]);
}

TEST(Weights, TheBuilderNamesWhatIsWrong) {
  Config config = tiny();
  config.tied_head = false;
  auto builder = value_or_throw(WeightsBuilder::make(config));
  EXPECT_EQ(builder.wanted().size(), 1U + 2 * 9 + 2);
  const auto unknown = builder.set("model.layers.2.mlp.up_proj.weight", tensor::Tensor::zeros({20, 12}));
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("layers.2"), std::string::npos);
  const auto shape = builder.set("model.norm.weight", tensor::Tensor::zeros({13}));
  ASSERT_FALSE(shape);
  EXPECT_NE(shape.error().message.find("[12]"), std::string::npos);
  EXPECT_TRUE(builder.set("model.norm.weight", tensor::Tensor::zeros({12})));
  EXPECT_FALSE(builder.set("model.norm.weight", tensor::Tensor::zeros({12})));
  const auto unfinished = builder.finish();
  ASSERT_FALSE(unfinished);
  EXPECT_NE(unfinished.error().message.find("20 of 21"), std::string::npos) << unfinished.error().message;
  config.heads = 4;
  config.kv_heads = 3;
  EXPECT_FALSE(WeightsBuilder::make(config));
  config = tiny();
  config.architecture = "mamba";
  EXPECT_FALSE(check(config));
}

}  // namespace
}  // namespace hone::model
