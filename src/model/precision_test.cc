// A base kept in any precision computes what its widened values give in f32, forward and backward.
#include "model/precision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <limits>

#include "base/rng.h"
#include "formats/gguf_quantize.h"
#include "model/adapter_testing.h"
#include "model/decoder.h"
#include "model/decoder_memory.h"
#include "model/export_names.h"
#include "model/load_folder.h"
#include "model/load_gguf.h"

namespace hone::model {
namespace {

using formats::GgmlType;
using formats::GgufTensor;
using tensor::Exec;
using tensor::Tensor;

Config small() {
  Config config;
  config.layers = 2;
  config.width = 96;  // blocks of 64 straddle rows
  config.hidden = 160;
  config.heads = 6;
  config.kv_heads = 2;
  config.head_width = 16;
  config.vocabulary = 70;
  config.context = 64;
  config.rope_base = 100000;
  return config;
}

// The same weights as a GGUF file, its matrices as `type`.
class File {
 public:
  explicit File(GgmlType type) {
    const Config config = small();
    metadata_ = {{"general.architecture", std::string("llama")},
                 {"llama.block_count", std::uint64_t{2}},
                 {"llama.embedding_length", std::uint64_t{96}},
                 {"llama.feed_forward_length", std::uint64_t{160}},
                 {"llama.attention.head_count", std::uint64_t{6}},
                 {"llama.attention.head_count_kv", std::uint64_t{2}},
                 {"llama.context_length", std::uint64_t{64}},
                 {"llama.rope.freq_base", 100000.0},
                 {"llama.attention.layer_norm_rms_epsilon", 1e-5},
                 {"tokenizer.ggml.model", std::string("gpt2")},
                 {"tokenizer.ggml.tokens", std::vector<std::string>{"a"}}};
    Rng rng(3);
    const WeightsBuilder builder = value_or_throw(WeightsBuilder::make(config));
    for (const auto& wanted : builder.wanted()) {
      const bool line = wanted.shape.rank() == 1;
      std::vector<float> values(static_cast<std::size_t>(wanted.shape.count()));
      for (float& value : values) value = static_cast<float>(line ? 1 + 0.1 * rng.normal() : 0.1 * rng.normal());
      add(gguf_tensor_name(config, wanted.name), wanted.shape, line ? GgmlType::f32 : type, values);
    }
    bytes_ = formats::gguf_bytes(metadata_, tensors_);
  }

  Result<Weights> load(Precision precision) const {
    const formats::GgufFile file = value_or_throw(formats::GgufFile::parse(bytes_, "small"));
    Exec exec(2);
    return load_gguf(exec, file, "small.gguf", precision);
  }
  std::uint64_t kept(Precision precision) const {
    const formats::GgufFile file = value_or_throw(formats::GgufFile::parse(bytes_, "small"));
    return kept_bytes(value_or_throw(stored_gguf(file, "small.gguf")).tensors, precision);
  }

 private:
  void add(const std::string& name, tensor::Shape shape, GgmlType type, const std::vector<float>& values) {
    std::string& bytes = data_.emplace_back();
    formats::encode_values(type, values, bytes);
    tensors_.push_back({name, type, shape, bytes});
  }

  formats::GgufMetadata metadata_;
  std::deque<std::string> data_;
  std::vector<GgufTensor> tensors_;
  std::string bytes_;
};

ops::Weight widened(const ops::Weight& weight) {
  Tensor values = Tensor::empty({weight.out(), weight.in()});
  weight.widen(0, weight.out(), values.f32());
  return ops::Weight::from_f32(std::move(values));
}

// `weights` with every matrix widened to f32.
Weights in_f32(const Weights& weights, Weights frame) {
  frame.embedding = widened(weights.embedding);
  for (std::size_t layer = 0; layer < frame.layers.size(); ++layer)
    for (std::size_t site = 0; site < 7; ++site)
      frame.layers[layer].maps[site] = widened(weights.layers[layer].maps[site]);
  return frame;
}

Adapter random_adapter() {
  Adapter adapter = Adapter::init(small(), {4, 6, 3});
  Rng rng(5);
  for (const Adapter::Named& named : adapter.tensors())
    for (std::int64_t i = 0; i < named.tensor->shape().count(); ++i)
      named.tensor->f32()[i] = static_cast<float>(0.1 * rng.normal());
  return adapter;
}

struct Computed {
  double loss = 0;
  Adapter gradients;
};

Computed compute(std::shared_ptr<const Weights> weights) {
  const Decoder decoder(std::move(weights));
  TrainBatch batch;
  batch.stretches = {{-1, 20}, {0, 15}, {0, 12}};
  Rng rng(9);
  for (int i = 0; i < 47; ++i) batch.ids.push_back(static_cast<std::int32_t>(rng.below(70)));
  for (std::int32_t row = 20; row < 46; ++row)
    batch.targets.push_back({row, batch.ids[static_cast<std::size_t>(row)], 1});
  const Adapter adapter = random_adapter();
  Exec exec(2);
  Computed result{0, adapter.zeros_like()};
  result.loss = decoder.loss_and_gradients(exec, batch, adapter, result.gradients).loss;
  return result;
}

Computed compute(Weights weights) { return compute(std::make_shared<const Weights>(std::move(weights))); }

class Precisions : public testing::TestWithParam<Precision> {};
INSTANTIATE_TEST_SUITE_P(All, Precisions,
                         testing::Values(Precision::bf16, Precision::int8_weights, Precision::nf4,
                                         Precision::nf4_double, Precision::as_is),
                         [](const auto& tested) {
                           std::string name = model::name_of(tested.param);
                           std::erase(name, '-');
                           return name;
                         });

// QLoRA: gradients of A and B over a quantised base are those of f32 mathematics on its dequantised weights.
TEST_P(Precisions, GradientsAreThoseOfTheWidenedWeights) {
  const File file(GgmlType::q8_0);
  const Weights weights = value_or_throw(file.load(GetParam()));
  Computed plain = compute(in_f32(weights, value_or_throw(file.load(Precision::f32))));
  Computed kept = compute(value_or_throw(file.load(GetParam())));
  EXPECT_NEAR(kept.loss, plain.loss, 1e-5 * plain.loss);
  EXPECT_LE(distance(kept.gradients, plain.gradients), 1e-5);
}

// Products in 8-bit steps are near those of f32: 1 % of a loss, a tenth of the norm of each gradient (twice two layers
// add up).
TEST(Precision, Int8IsNearF32) {
  const File file(GgmlType::f32);
  Computed plain = compute(value_or_throw(file.load(Precision::f32)));
  Computed steps = compute(value_or_throw(file.load(Precision::int8)));
  EXPECT_NEAR(steps.loss, plain.loss, 1e-2 * plain.loss);
  EXPECT_NE(steps.loss, plain.loss);
  EXPECT_LE(distance(steps.gradients, plain.gradients), 1e-1);
}

// Gradients of inputs read maps in the order of the transpose: copies that a plan counts.
TEST(Precision, TheCopiesOfInt8ThatTrainingMakesAreForeseen) {
  const File file(GgmlType::f32);
  const auto weights = std::make_shared<const Weights>(value_or_throw(file.load(Precision::int8)));
  const std::size_t before = weights->bytes();
  compute(weights);
  const std::size_t copies = weights->bytes() - before;
  EXPECT_LE(copies, transposed_copy_bytes(small(), {}));
  // The lowest layer's q, k and v pass nothing on.
  EXPECT_GE(copies, transposed_copy_bytes(small(), {}) / 2);
}

// The head in steps answers logits(); losses are taken on the exact one.
TEST(Precision, Int8LogitsAreNearF32) {
  const File file(GgmlType::q8_0);
  Exec exec(2);
  std::vector<Tensor> logits;
  for (const Precision precision : {Precision::f32, Precision::int8}) {
    const Decoder decoder(std::make_shared<const Weights>(value_or_throw(file.load(precision))));
    Tensor hidden = Tensor::empty({3, 96});
    Rng rng(4);
    for (std::int64_t i = 0; i < 3 * 96; ++i) hidden.f32()[i] = static_cast<float>(rng.normal());
    decoder.logits(exec, std::as_const(hidden).view(), logits.emplace_back(Tensor::empty({3, 70})).view());
  }
  double error = 0;
  double norm = 0;
  for (std::int64_t i = 0; i < 210; ++i) {
    error += std::pow(static_cast<double>(logits[0].f32()[i] - logits[1].f32()[i]), 2);
    norm += std::pow(static_cast<double>(logits[0].f32()[i]), 2);
  }
  EXPECT_LE(std::sqrt(error / norm), 1e-2);
  EXPECT_GT(error, 0);
}

TEST_P(Precisions, TakesTheMemoryThatIsForeseen) {
  for (const GgmlType type : {GgmlType::f32, GgmlType::bf16, GgmlType::q8_0}) {
    const File file(type);
    for (const Precision precision : {GetParam(), Precision::int8})
      EXPECT_EQ(value_or_throw(file.load(precision)).bytes(), file.kept(precision));
    EXPECT_EQ(value_or_throw(file.load(Precision::f32)).bytes(), file.kept(Precision::f32));
  }
}

// Rows of q and k are brought into order; a file's blocks are kept as they are.
TEST(Precision, AsIsHoldsTheFilesOwnValues) {
  for (const GgmlType type : {GgmlType::f32, GgmlType::f16, GgmlType::bf16, GgmlType::q8_0, GgmlType::q4_0}) {
    SCOPED_TRACE(formats::name_of(type));
    const File file(type);
    const Weights as_is = value_or_throw(file.load(Precision::as_is));
    const Weights f32 = value_or_throw(file.load(Precision::f32));
    for (const Site site : all_sites) {
      const ops::Weight got = widened(as_is.layers[1].at(site));
      EXPECT_EQ(std::memcmp(got.f32(), f32.layers[1].at(site).f32(), got.bytes()), 0);
    }
    const ops::Weight embedding = widened(as_is.embedding);
    EXPECT_EQ(std::memcmp(embedding.f32(), f32.embedding.f32(), embedding.bytes()), 0);
  }
}

TEST(Precision, TablesOfQuantisedMapsStayAsTheFileHasThem) {
  const Weights weights = value_or_throw(File(GgmlType::bf16).load(Precision::nf4));
  EXPECT_EQ(weights.embedding.kind(), ops::WeightKind::blocks);
  EXPECT_EQ(weights.embedding.type(), GgmlType::bf16);
  EXPECT_EQ(weights.layers[0].at(Site::down).kind(), ops::WeightKind::nf4);
}

TEST(Precision, NamesAndRecordsReadBack) {
  for (const char* name : precision_names()) EXPECT_STREQ(name_of(precision_named(name).value()), name);
  EXPECT_FALSE(precision_named("fp4"));
  EXPECT_EQ(chosen_precision(Precision::automatic), Precision::f32);
  Json record = Json::object();
  record_precision(record, Precision::f32);
  EXPECT_TRUE(record.empty());  // as written before there was a choice
  EXPECT_EQ(recorded_precision(record), Precision::f32);
  record_precision(record, Precision::nf4_double);
  EXPECT_EQ(recorded_precision(record), Precision::nf4_double);
  for (const Json& bad : {Json("fp4"), Json("auto"), Json(4)}) {
    record["precision"] = bad;
    EXPECT_THROW((void)recorded_precision(record), Failure);
  }
}

// Damage is found on the way into any precision: in the second stretch of a long matrix, too.
TEST(Precision, ValuesThatAreNotFiniteAreNamedByTheirRow) {
  Config config = small();
  config.vocabulary = 70000;  // more than one stretch of 4,194,304 values
  StoredModel model{.config = config, .builder = value_or_throw(WeightsBuilder::make(config)), .tensors = {}};
  std::vector<float> values(70000 * 96);
  values[66000 * 96 + 7] = std::numeric_limits<float>::quiet_NaN();
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  model.tensors.push_back({.name = "model.embed_tokens.weight",
                           .file_name = "token_embd.weight",
                           .type = GgmlType::f32,
                           .shape = {70000, 96},
                           .bytes = bytes});
  Exec exec(2);
  const auto loaded = load_stored(exec, std::move(model), Precision::bf16, "big.gguf");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::bad_input);
  EXPECT_NE(loaded.error().message.find("tensor token_embd.weight holds nan in row 66000, column 7"), std::string::npos)
      << loaded.error().message;
}

}  // namespace
}  // namespace hone::model
