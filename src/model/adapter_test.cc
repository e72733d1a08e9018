#include "model/adapter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/json.h"
#include "formats/safetensors.h"
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
  EXPECT_EQ(adapter.spec().scale(), 2);
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
      {"rank_pattern", {{"q_proj", 8}}},
      {"fan_in_fan_out", true},
      {"lora_alpha", nullptr},
  };
  for (const auto& [field, value] : refused) {
    const Result<Adapter> loaded = load_with(field, value);
    ASSERT_FALSE(loaded) << field;
    EXPECT_NE(loaded.error().message.find(field), std::string::npos) << loaded.error().message;
  }
  EXPECT_TRUE(load_with("lora_dropout", 0.1));
}

TEST_F(AdapterFolder, RankStabilisedScalingIsKept) {
  const Result<Adapter> loaded = load_with("use_rslora", true);
  ASSERT_TRUE(loaded);
  EXPECT_FLOAT_EQ(loaded->spec().scale(), 8 / std::sqrt(4.0F));
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

TEST_F(AdapterFolder, MapsLeftOutChangeNothingButHalvesAreRefused) {
  Adapter adapter = Adapter::init(tiny(), {4, 8, 1});
  adapter.save(folder, "base");
  const auto tensors = adapter.tensors();
  const std::vector<formats::NamedView> pair = {{tensors[0].name, tensors[0].tensor->view()},
                                                {tensors[1].name, tensors[1].tensor->view()}};
  formats::write_safetensors(folder / "adapter_model.safetensors", pair, {});
  Result<Adapter> loaded = Adapter::load(folder, tiny());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->at(1, Site::down).a.f32()[0], 0);
  EXPECT_NE(loaded->at(0, Site::q).a.f32()[0], 0);
  formats::write_safetensors(folder / "adapter_model.safetensors", std::span(pair).first(1), {});
  loaded = Adapter::load(folder, tiny());
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("lora_B"), std::string::npos);
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
