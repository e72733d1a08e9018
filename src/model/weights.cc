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
  return fmt::format("{}{}.{}", layer_prefix(layer), in_attention ? "self_attn" : "mlp", name_of(site));
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
  std::size_t total = embedding.bytes() + final_norm.bytes() + head_map.bytes() + head_steps.bytes();
  for (const LayerWeights& layer : layers) {
    for (const Tensor* norm : {&layer.attention_norm, &layer.feed_norm, &layer.attention_out_norm, &layer.feed_out_norm,
                               &layer.query_norm, &layer.key_norm}) {
      total += norm->bytes();
    }
    for (const ops::Weight& map : layer.maps) total += map.bytes();
    for (const Tensor& bias : layer.biases) total += bias.bytes();
  }
  return total;
}

void WeightsBuilder::want(const std::string& name, Shape shape, Place place) {
  index_[name] = wanted_.size();
  wanted_.push_back({name, shape});
  places_.push_back(place);
}

void WeightsBuilder::want_layer(int layer) {
  const Config& config = weights_.config;
  const std::string prefix = layer_prefix(layer);
  const Shape wide({config.width});
  const bool sandwich = config.sandwich_norm;
  want(prefix + "input_layernorm.weight", wide, {Field::attention_norm, layer});
  want(prefix + "post_attention_layernorm.weight", wide,
       {sandwich ? Field::attention_out_norm : Field::feed_norm, layer});
  if (sandwich) {
    want(prefix + "pre_feedforward_layernorm.weight", wide, {Field::feed_norm, layer});
    want(prefix + "post_feedforward_layernorm.weight", wide, {Field::feed_out_norm, layer});
  }
  for (const Site site : all_sites) {
    const Shape shape = shape_of(config, site);
    want(map_name(layer, site) + ".weight", shape, {Field::map, layer, site});
    if (config.attention_bias && site <= Site::v) {
      want(map_name(layer, site) + ".bias", {shape[0]}, {Field::bias, layer, site});
    }
  }
  if (config.head_norm) {
    want(prefix + "self_attn.q_norm.weight", {config.head_width}, {Field::query_norm, layer});
    want(prefix + "self_attn.k_norm.weight", {config.head_width}, {Field::key_norm, layer});
  }
}

void WeightsBuilder::put(const Place& place, ops::Weight matrix) {
  switch (place.field) {
    case Field::embedding:
      weights_.embedding = std::move(matrix);
      return;
    case Field::head:
      weights_.head_map = std::move(matrix);
      return;
    default:
      HONE_CHECK(place.field == Field::map);
      weights_.layers[static_cast<std::size_t>(place.layer)].maps[static_cast<std::size_t>(place.site)] =
          std::move(matrix);
  }
}

void WeightsBuilder::put(const Place& place, Tensor line) {
  LayerWeights& layer = weights_.layers[static_cast<std::size_t>(place.layer)];
  switch (place.field) {
    case Field::embedding:
    case Field::head:
    case Field::map:
      put(place, ops::Weight::from_f32(std::move(line)));
      return;
    case Field::final_norm:
      weights_.final_norm = std::move(line);
      return;
    case Field::attention_norm:
      layer.attention_norm = std::move(line);
      return;
    case Field::feed_norm:
      layer.feed_norm = std::move(line);
      return;
    case Field::attention_out_norm:
      layer.attention_out_norm = std::move(line);
      return;
    case Field::feed_out_norm:
      layer.feed_out_norm = std::move(line);
      return;
    case Field::query_norm:
      layer.query_norm = std::move(line);
      return;
    case Field::key_norm:
      layer.key_norm = std::move(line);
      return;
    case Field::bias:
      layer.biases[static_cast<std::size_t>(place.site)] = std::move(line);
      return;
  }
}

Result<WeightsBuilder> WeightsBuilder::make(const Config& config) {
  Result<void> valid = check(config);
  if (!valid) return tl::unexpected<Error>(valid.error());
  WeightsBuilder builder;
  builder.weights_.config = config;
  builder.weights_.layers.resize(static_cast<std::size_t>(config.layers));
  builder.want(embedding_name, {config.vocabulary, config.width}, {Field::embedding});
  for (int layer = 0; layer < config.layers; ++layer) builder.want_layer(layer);
  builder.want(final_norm_name, {config.width}, {Field::final_norm});
  if (!config.tied_head) builder.want(head_name, {config.vocabulary, config.width}, {Field::head});
  builder.given_.assign(builder.wanted_.size(), false);
  return builder;
}

Result<std::size_t> WeightsBuilder::take_place(std::string_view name, Shape shape) {
  const auto found = index_.find(name);
  if (found == index_.end())
    return bad_input("tensor {}: not a part of a {} model", name, weights_.config.architecture);
  const std::size_t index = found->second;
  if (shape != wanted_[index].shape)
    return bad_input("tensor {}: expected {}, got {}", name, wanted_[index].shape.text(), shape.text());
  if (given_[index]) return bad_input("tensor {}: given twice", name);
  given_[index] = true;
  return index;
}

Result<void> WeightsBuilder::set(std::string_view name, Tensor values) {
  HONE_CHECK(values.dtype() == tensor::DType::f32);
  const Result<std::size_t> index = take_place(name, values.shape());
  if (!index) return tl::unexpected<Error>(index.error());
  put(places_[*index], std::move(values));
  return {};
}

Result<void> WeightsBuilder::set(std::string_view name, ops::Weight matrix) {
  const Result<std::size_t> index = take_place(name, {matrix.out(), matrix.in()});
  if (!index) return tl::unexpected<Error>(index.error());
  put(places_[*index], std::move(matrix));
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
    const bool line = wanted.shape.rank() == 1;
    const bool norm = line && !wanted.name.ends_with(".bias");
    const double deviation = line ? 0.1 : 1 / std::sqrt(static_cast<double>(wanted.shape[1]));
    float* data = values.f32();
    for (std::int64_t i = 0; i < wanted.shape.count(); ++i) {
      data[i] = static_cast<float>((norm ? 1.0 : 0.0) + deviation * rng.normal());
    }
    value_or_throw(builder.set(wanted.name, std::move(values)));
  }
  return value_or_throw(builder.finish());
}

}  // namespace hone::model
