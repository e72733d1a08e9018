#include "model/weights.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/rng.h"

namespace hone::model {
namespace {

using tensor::Shape;
using tensor::Tensor;

constexpr const char* embedding_name = "model.embed_tokens.weight";
constexpr const char* final_norm_name = "model.norm.weight";
constexpr const char* head_name = "lm_head.weight";

std::string layer_prefix(int layer) { return fmt::format("model.layers.{}.", layer); }

std::string map_name(int layer, Site site) {
  const bool in_attention = site <= Site::o;
  return fmt::format("{}{}.{}.weight", layer_prefix(layer), in_attention ? "self_attn" : "mlp", name_of(site));
}

std::vector<WeightsBuilder::Wanted> wanted_by(const Config& config) {
  std::vector<WeightsBuilder::Wanted> wanted;
  wanted.push_back({embedding_name, {config.vocabulary, config.width}});
  for (int layer = 0; layer < config.layers; ++layer) {
    wanted.push_back({layer_prefix(layer) + "input_layernorm.weight", {config.width}});
    wanted.push_back({layer_prefix(layer) + "post_attention_layernorm.weight", {config.width}});
    for (Site site : all_sites) wanted.push_back({map_name(layer, site), shape_of(config, site)});
  }
  wanted.push_back({final_norm_name, {config.width}});
  if (!config.tied_head) wanted.push_back({head_name, {config.vocabulary, config.width}});
  return wanted;
}

// Puts `values` where wanted_by()'s `index` says.
void place(Weights& weights, std::size_t index, Tensor values) {
  constexpr std::size_t per_layer = 2 + all_sites.size();
  const std::size_t last = 1 + weights.layers.size() * per_layer;
  if (index == 0) {
    weights.embedding = ops::Weight::from_f32(std::move(values));
  } else if (index == last) {
    weights.final_norm = std::move(values);
  } else if (index > last) {
    weights.head_map = ops::Weight::from_f32(std::move(values));
  } else {
    LayerWeights& layer = weights.layers[(index - 1) / per_layer];
    const std::size_t part = (index - 1) % per_layer;
    if (part == 0) {
      layer.attention_norm = std::move(values);
    } else if (part == 1) {
      layer.feed_norm = std::move(values);
    } else {
      layer.maps[part - 2] = ops::Weight::from_f32(std::move(values));
    }
  }
}

}  // namespace

Shape shape_of(const Config& config, Site site) {
  const std::int64_t queries = static_cast<std::int64_t>(config.heads) * config.head_width;
  const std::int64_t keys = static_cast<std::int64_t>(config.kv_heads) * config.head_width;
  switch (site) {
    case Site::q:
      return {queries, config.width};
    case Site::k:
    case Site::v:
      return {keys, config.width};
    case Site::o:
      return {config.width, queries};
    case Site::gate:
    case Site::up:
      return {config.hidden, config.width};
    case Site::down:
      return {config.width, config.hidden};
  }
  HONE_CHECK(false);
}

std::size_t Weights::bytes() const {
  std::size_t total = embedding.bytes() + final_norm.bytes() + head_map.bytes();
  for (const LayerWeights& layer : layers) {
    total += layer.attention_norm.bytes() + layer.feed_norm.bytes();
    for (const ops::Weight& map : layer.maps) total += map.bytes();
  }
  return total;
}

Result<WeightsBuilder> WeightsBuilder::make(const Config& config) {
  Result<void> valid = check(config);
  if (!valid) return tl::unexpected<Error>(valid.error());
  WeightsBuilder builder;
  builder.weights_.config = config;
  builder.weights_.layers.resize(static_cast<std::size_t>(config.layers));
  builder.wanted_ = wanted_by(config);
  builder.given_.assign(builder.wanted_.size(), false);
  for (std::size_t i = 0; i < builder.wanted_.size(); ++i) builder.index_[builder.wanted_[i].name] = i;
  return builder;
}

Result<void> WeightsBuilder::set(std::string_view name, Tensor values) {
  const auto found = index_.find(name);
  if (found == index_.end())
    return bad_input("tensor {}: not a part of a {} model", name, weights_.config.architecture);
  const std::size_t index = found->second;
  if (values.dtype() != tensor::DType::f32 || values.shape() != wanted_[index].shape) {
    return bad_input("tensor {}: expected f32 {}, got {} {}", name, wanted_[index].shape.text(),
                     tensor::name_of(values.dtype()), values.shape().text());
  }
  if (given_[index]) return bad_input("tensor {}: given twice", name);
  given_[index] = true;
  place(weights_, index, std::move(values));
  return {};
}

Result<Weights> WeightsBuilder::finish() {
  std::string missing;
  std::size_t count = 0;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (given_[i]) continue;
    if (++count <= 3) missing += (missing.empty() ? "" : ", ") + wanted_[i].name;
  }
  if (count > 0) {
    return bad_input("the model lacks {} of {} tensors: {}{}", count, wanted_.size(), missing,
                     count > 3 ? ", ..." : "");
  }
  return std::move(weights_);
}

Weights random_weights(const Config& config, std::uint64_t seed) {
  WeightsBuilder builder = value_or_throw(WeightsBuilder::make(config));
  std::uint64_t stream = 0;
  for (const WeightsBuilder::Wanted& wanted : builder.wanted()) {
    Tensor values = Tensor::empty(wanted.shape);
    Rng rng(seed, stream++);
    const bool norm = wanted.shape.rank() == 1;
    const double deviation = norm ? 0.1 : 1 / std::sqrt(static_cast<double>(wanted.shape[1]));
    float* data = values.f32();
    for (std::int64_t i = 0; i < wanted.shape.count(); ++i) {
      data[i] = static_cast<float>((norm ? 1.0 : 0.0) + deviation * rng.normal());
    }
    value_or_throw(builder.set(wanted.name, std::move(values)));
  }
  return value_or_throw(builder.finish());
}

}  // namespace hone::model
