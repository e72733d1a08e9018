#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "formats/large_json.h"
#include "model/export_folder.h"
#include "model/export_gguf.h"
#include "model/export_names.h"
#include "model/export_testing.h"
#include "model/load_folder.h"
#include "model/load_gguf.h"

namespace hone::model {
namespace {

using formats::GgmlType;
using tensor::DType;

struct Values {
  tensor::Shape shape;
  std::vector<double> data;
};

// W + s B A as numpy would say it in f64, by Hugging Face name.
std::map<std::string, Values> expected(const Weights& weights, const Adapter* adapter) {
  std::map<std::string, Values> all;
  for (const auto& [name, view] : tensors_of(weights)) {
    Values& values = all[name];
    values.shape = view.shape;
    values.data.assign(view.f32(), view.f32() + view.shape.count());
    const auto place = map_place(name);
    if (!place || adapter == nullptr) continue;
    const LoraPair& pair = adapter->at(place->layer, place->site);
    if (pair.is_absent()) continue;
    const std::int64_t rank = pair.a.shape()[0];
    const std::int64_t in = pair.a.shape()[1];
    for (std::int64_t row = 0; row < view.shape[0]; ++row)
      for (std::int64_t column = 0; column < in; ++column)
        for (std::int64_t k = 0; k < rank; ++k)
          values.data[static_cast<std::size_t>(row * in + column)] +=
              static_cast<double>(pair.scale) * static_cast<double>(pair.b.f32()[row * rank + k]) *
              static_cast<double>(pair.a.f32()[k * in + column]);
  }
  return all;
}

void expect_equal(const Weights& weights, const std::map<std::string, Values>& wanted, double tolerance) {
  const auto tensors = tensors_of(weights);
  ASSERT_EQ(tensors.size(), wanted.size());
  for (const auto& [name, view] : tensors) {
    const Values& values = wanted.at(name);
    ASSERT_EQ(view.shape, values.shape) << name;
    for (std::size_t i = 0; i < values.data.size(); ++i) {
      const double value = static_cast<double>(view.f32()[i]);
      ASSERT_NEAR(value, values.data[i], tolerance * std::max(1.0, std::fabs(values.data[i]))) << name << " " << i;
    }
  }
}

class Export : public ::testing::TestWithParam<const char*> {
 protected:
  Export() : config_(tiny_config(GetParam())), weights_(random_weights(config_, 5)) {
    write_tiny_folder(weights_, folder_.path() / "base");
    base_ = value_or_throw(BaseFiles::open(folder_.path() / "base"));
  }
  Path new_folder(const char* name) const {
    std::filesystem::create_directories(folder_.path() / name);
    return folder_.path() / name;
  }
  GgufHead gguf_head(const BaseFiles& base, GgmlType type) const {
    return {.base = &base,
            .tokenizer = &tokenizer_,
            .ids = {.bos = 266, .padding = {}, .ends = {267}},
            .chat_template = "{{ messages[0].content }}",
            .name = "tiny",
            .type = type};
  }

  TemporaryFolder folder_;
  tensor::Exec exec_{2};
  Config config_;
  Weights weights_;
  BaseFiles base_ = BaseFiles();
  text::Tokenizer tokenizer_ = value_or_throw(text::Tokenizer::from_gguf(tiny_words("smollm")));
};

INSTANTIATE_TEST_SUITE_P(Families, Export, ::testing::Values("llama", "qwen2", "qwen3", "gemma3"),
                         [](const auto& family) { return std::string(family.param); });

// The loaders, which are not made for exports, read what was written as the merge in f64.
TEST_P(Export, MergedFolderAndGgufHoldTheMerge) {
  const Adapter adapter = tiny_adapter(config_, 3);
  const auto wanted = expected(weights_, &adapter);
  const MergeSource source{&base_, &adapter};
  const Path folder = new_folder("merged");
  write_merged_folder(exec_, source, {.base = &base_, .ids = {.ends = {267}}, .chat_template = "x"}, folder, {});
  expect_equal(value_or_throw(load_folder(exec_, folder)), wanted, 1e-6);
  const Path file = folder_.path() / "merged.gguf";
  write_merged_gguf(exec_, source, gguf_head(base_, GgmlType::f32), file, {});
  const auto gguf = value_or_throw(formats::GgufFile::open(file));
  const Weights loaded = value_or_throw(load_gguf(exec_, gguf, "merged.gguf"));
  expect_equal(loaded, wanted, 1e-6);
  EXPECT_EQ(rope_frequencies(loaded.config, 5).size(), 8U);
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(rope_frequencies(loaded.config, 5)[i] / rope_frequencies(config_, 5)[i], 1, 1e-6) << i;
}

// A GGUF base, merged again into both forms.
TEST_P(Export, GgufBaseGivesTheSameInBothForms) {
  const Adapter first = tiny_adapter(config_, 3);
  const Path file = folder_.path() / "base.gguf";
  write_merged_gguf(exec_, {&base_, &first}, gguf_head(base_, GgmlType::f32), file, {});
  const BaseFiles base = value_or_throw(BaseFiles::open(file));
  const auto opened = value_or_throw(formats::GgufFile::open(file));
  const Weights weights = value_or_throw(load_gguf(exec_, opened, "base.gguf"));
  const Adapter second = tiny_adapter(config_, 4);
  const auto wanted = expected(weights, &second);
  const Path folder = new_folder("again");
  write_merged_folder(exec_, {&base, &second}, {.base = &base, .ids = {.ends = {267}}, .chat_template = "x"}, folder,
                      {});
  const Weights from_folder = value_or_throw(load_folder(exec_, folder));
  expect_equal(from_folder, wanted, 1e-6);
  EXPECT_EQ(from_folder.config.rope_scaling.kind, config_.rope_scaling.kind);
  write_merged_gguf(exec_, {&base, &second}, gguf_head(base, GgmlType::f32), folder_.path() / "again.gguf", {});
  const auto again = value_or_throw(formats::GgufFile::open(folder_.path() / "again.gguf"));
  expect_equal(value_or_throw(load_gguf(exec_, again, "again.gguf")), wanted, 1e-6);
}

// Narrow types: within their rounding of the merge; vectors stay F32, outer matrices of Q4_0 files become Q8_0.
TEST_P(Export, NarrowTypesRoundOnly) {
  const Adapter adapter = tiny_adapter(config_, 3);
  const auto wanted = expected(weights_, &adapter);
  const std::pair<GgmlType, double> steps[] = {
      {GgmlType::f16, 1e-3}, {GgmlType::bf16, 8e-3}, {GgmlType::q8_0, 0.02}, {GgmlType::q4_0, 0.5}};
  for (const auto& [type, tolerance] : steps) {
    SCOPED_TRACE(formats::name_of(type));
    const Path file = folder_.path() / "narrow.gguf";
    std::filesystem::remove(file);
    write_merged_gguf(exec_, {&base_, &adapter}, gguf_head(base_, type), file, {});
    const auto gguf = value_or_throw(formats::GgufFile::open(file));
    EXPECT_EQ(gguf.find("output_norm.weight")->type, GgmlType::f32);
    EXPECT_EQ(gguf.find("blk.0.attn_q.weight")->type, type);
    EXPECT_EQ(gguf.find("token_embd.weight")->type, type == GgmlType::q4_0 ? GgmlType::q8_0 : type);
    expect_equal(value_or_throw(load_gguf(exec_, gguf, "narrow.gguf")), wanted, tolerance);
  }
  const Path folder = new_folder("half");
  write_merged_folder(exec_, {&base_, &adapter}, {.base = &base_, .ids = {}, .chat_template = {}, .dtype = DType::bf16},
                      folder, {});
  expect_equal(value_or_throw(load_folder(exec_, folder)), wanted, 8e-3);
}

// llama.cpp's file of an adapter, read back, is the adapter; its scale is alpha / rank.
TEST_P(Export, GgufAdapterReadsBack) {
  const Adapter adapter = tiny_adapter(config_, 3);
  const Path file = folder_.path() / "adapter.gguf";
  write_gguf_adapter({.adapter = &adapter, .config = &config_, .name = "tiny"}, file);
  Adapter read = value_or_throw(read_gguf_adapter(file, config_));
  EXPECT_FLOAT_EQ(read.at(2, Site::k).scale, adapter.at(2, Site::k).scale);
  Adapter original = adapter.copy();
  const auto a = original.tensors();
  const auto b = read.tensors();
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::int64_t k = 0; k < a[i].tensor->shape().count(); ++k)
      ASSERT_EQ(a[i].tensor->f32()[k], b[i].tensor->f32()[k]) << a[i].name;
  const auto gguf = value_or_throw(formats::GgufFile::open(file));
  EXPECT_EQ(gguf.find("blk.2.attn_k.weight.lora_b")->shape, tensor::Shape({32, 3}));
  // Only llama's q and k are turned: row 1 of the file is row 8 of the head of 16.
  const auto* rows = reinterpret_cast<const float*>(gguf.find("blk.2.attn_k.weight.lora_b")->bytes.data());
  EXPECT_EQ(rows[3], adapter.at(2, Site::k).b.f32()[(config_.architecture == "llama" ? 8 : 1) * 3]);
  Config other = config_;
  other.architecture = config_.architecture == "llama" ? "qwen2" : "llama";
  const auto refused = read_gguf_adapter(file, other);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(config_.architecture), std::string::npos);
}

// Ranks and alphas of many kinds: a GGUF adapter has one alpha, so B carries what differs; merged or read back, every
// map gets its s B A.
TEST_P(Export, PatternsSurviveGgufAndMerging) {
  LoraSpec spec{.rank = 3, .alpha = 7, .seed = 3, .scaling = Scaling::by_root};
  spec.layers = {1, 2, 5};
  spec.rank_pattern = {{"q_proj", 5}, {"layers.2.mlp.*", 1}};
  spec.alpha_pattern = {{"v_proj", 2}, {"layers.1.mlp.up_proj", 30}};
  const Adapter adapter = tiny_adapter(config_, spec);
  const Path file = folder_.path() / "adapter.gguf";
  write_gguf_adapter({.adapter = &adapter, .config = &config_, .name = "tiny"}, file);
  const Adapter read = value_or_throw(read_gguf_adapter(file, config_));
  const auto wanted = expected(weights_, &adapter);
  const auto got = expected(weights_, &read);
  for (const auto& [name, values] : wanted)
    for (std::size_t i = 0; i < values.data.size(); ++i)
      ASSERT_NEAR(got.at(name).data[i], values.data[i], 1e-5) << name;
  EXPECT_TRUE(read.at(0, Site::q).is_absent());
  EXPECT_EQ(read.at(2, Site::up).rank(), 1);
  const auto gguf = value_or_throw(formats::GgufFile::open(file));
  EXPECT_NEAR(*gguf.number("adapter.lora.alpha"), 7 * std::sqrt(5.0), 1e-5);
  const Path folder = new_folder("merged");
  write_merged_folder(exec_, {&base_, &adapter}, {.base = &base_, .ids = {}, .chat_template = {}}, folder, {});
  expect_equal(value_or_throw(load_folder(exec_, folder)), wanted, 1e-6);
}

std::vector<Site> peft_targets() { return {Site::q, Site::k, Site::v, Site::up, Site::down}; }

TEST_P(Export, PeftFolderReadsBackAndKnowsItsBase) {
  Adapter adapter = tiny_adapter(config_, {.rank = 3, .alpha = 7, .seed = 3, .targets = peft_targets()});
  const Path folder = new_folder("peft");
  write_peft_folder({.adapter = &adapter, .base = "a/b", .base_sha256 = "abc"}, folder);
  Adapter read = value_or_throw(Adapter::load(folder, config_));
  EXPECT_FLOAT_EQ(read.at(2, Site::k).scale, adapter.at(2, Site::k).scale);
  const auto a = adapter.tensors();
  const auto b = read.tensors();
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::int64_t k = 0; k < a[i].tensor->shape().count(); ++k)
      ASSERT_EQ(a[i].tensor->f32()[k], b[i].tensor->f32()[k]) << a[i].name;
  const Json config = value_or_throw(parse_json(value_or_throw(read_file(folder / "adapter_config.json")), "config"));
  EXPECT_EQ(config["target_modules"], Json::array({"q_proj", "k_proj", "v_proj", "up_proj", "down_proj"}));
  EXPECT_EQ(config["base_model_name_or_path"], "a/b");
  EXPECT_TRUE(check_adapter_base(folder, "abc"));
  const auto other = check_adapter_base(folder, "def");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("abc"), std::string::npos);
}

TEST_P(Export, ShardsHoldTheSameUnderAnIndex) {
  const Path folder = new_folder("shards");
  write_merged_folder(exec_, {&base_, nullptr},
                      {.base = &base_, .ids = {}, .chat_template = {}, .dtype = DType::f32, .shard_bytes = 40000},
                      folder, {});
  EXPECT_GT(value_or_throw(weight_files(folder)).size(), 2U);
  expect_equal(value_or_throw(load_folder(exec_, folder)), expected(weights_, nullptr), 0);
}

// NaN and values beyond F16 are refused by name.
TEST_P(Export, RefusesWhatCannotBeWritten) {
  Adapter adapter = tiny_adapter(config_, 3);
  adapter.at(1, Site::up).b.f32()[0] = 1e7F;
  const auto write = [&](const char* name) {
    write_merged_gguf(exec_, {&base_, &adapter}, gguf_head(base_, GgmlType::f16), folder_.path() / name, {});
  };
  const auto message_of = [&](const char* name) -> std::string {
    try {
      write(name);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  };
  const std::string large = message_of("large.gguf");
  EXPECT_NE(large.find("blk.1.ffn_up.weight"), std::string::npos) << large;
  adapter.at(1, Site::up).b.f32()[0] = std::numeric_limits<float>::quiet_NaN();
  const std::string broken = message_of("broken.gguf");
  EXPECT_NE(broken.find("layers.1.mlp.up_proj"), std::string::npos) << broken;
}

// Asked to stop, a write ends between two tensors.
TEST_P(Export, StopsBetweenTensors) {
  std::stop_source source;
  int tensors = 0;
  const ExportHooks hooks{source.get_token(), [&](std::uint64_t) {
                            if (++tensors == 3) source.request_stop();
                          }};
  try {
    write_merged_gguf(exec_, {&base_, nullptr}, gguf_head(base_, GgmlType::f32), folder_.path() / "stopped.gguf",
                      hooks);
    ADD_FAILURE() << "not stopped";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::interrupted);
  }
  EXPECT_EQ(tensors, 3);
}

// transformers 5 checks the kinds of numbers.
TEST(ExportConfig, WholeNumbersOfGemmaAreWritten) {
  const Json json = value_or_throw(hugging_face_config(tiny_config("gemma3"), {}, "float32"));
  EXPECT_TRUE(json["query_pre_attn_scalar"].is_number_integer());
  EXPECT_EQ(json["layer_types"].size(), 7U);
  EXPECT_EQ(json["layer_types"][5], "full_attention");
}

std::size_t entries_in(const Path& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) count += entry.exists() ? 1 : 0;
  return count;
}

TEST(ExportOutput, NothingIsLeftOfAnUnfinishedOne) {
  const TemporaryFolder folder;
  {
    const OutputFolder output(folder.path() / "out", 1);
    write_file(output.path() / "a", "half");
    EXPECT_EQ(entries_in(folder.path()), 1U);
  }
  EXPECT_EQ(entries_in(folder.path()), 0U);
}

TEST(ExportOutput, ReplacesAnExportAndNothingElse) {
  const TemporaryFolder folder;
  const Path place = folder.path() / "out";
  for (const char* content : {R"({"files": ["a"]})", R"({"files": ["a", "b"]})"}) {
    OutputFolder output(place.string() + "/", 1);
    write_file(output.path() / export_record, content);
    write_file(output.path() / "a", "weights");
    output.commit();
  }
  EXPECT_EQ(value_or_throw(read_file(place / export_record)), R"({"files": ["a", "b"]})");
  write_file(place / "sub/thesis.txt", "years of work");
  EXPECT_THROW(OutputFolder(place, 1), Failure);  // beside an export
  std::filesystem::remove(place / export_record);
  EXPECT_THROW(OutputFolder(place, 1), Failure);
  EXPECT_EQ(value_or_throw(read_file(place / "sub/thesis.txt")), "years of work");
  EXPECT_EQ(entries_in(folder.path()), 1U);
}

TEST(ExportOutput, FollowsALinkAndRefusesOneToNothing) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "real");
  std::filesystem::create_symlink("real", folder.path() / "link");
  std::filesystem::create_symlink("nowhere", folder.path() / "dangling");
  OutputFolder output(folder.path() / "link", 1);
  write_file(output.path() / export_record, R"({"files": []})");
  output.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path() / "link"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "real" / export_record));
  EXPECT_THROW(OutputFolder(folder.path() / "dangling", 1), Failure);
  EXPECT_THROW(OutputFolder("", 1), Failure);
}

TEST(ExportOutput, RefusesADiskThatIsTooSmall) {
  const TemporaryFolder folder;
  try {
    OutputFolder(folder.path() / "out", 1ULL << 60);
    ADD_FAILURE() << "not refused";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::environment);
  }
}

// What a process that is gone left aside is removed, and what one that lives is writing is not.
TEST(ExportOutput, ClearsWhatAKilledOneLeft) {
  const TemporaryFolder folder;
  const Path dead = folder.path() / ".out.export.999999999";
  const Path alive = folder.path() / ".out.export.1";
  std::filesystem::create_directories(dead);
  std::filesystem::create_directories(alive);
  const OutputFolder output(folder.path() / "out", 1);
  EXPECT_FALSE(std::filesystem::exists(dead));
  EXPECT_TRUE(std::filesystem::exists(alive));
}

TEST(ExportNames, HubNamesOfTheCatalogueGoBothWays) {
  EXPECT_EQ(local_name(public_name("smollm2-135m-instruct")), "smollm2-135m-instruct");
  EXPECT_EQ(local_name("qwen/qwen3-0.6b"), "qwen3-0.6b");
  EXPECT_EQ(local_name("somebody/else"), "somebody/else");
  EXPECT_TRUE(Path(public_name("some/folder")).is_absolute());
}

}  // namespace
}  // namespace hone::model
