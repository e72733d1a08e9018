// The frozen weights of a decoder, and the builder a model reader fills.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/adapter.h"
#include "model/config.h"
#include "ops/weight.h"
#include "tensor/tensor.h"

namespace hone::model {

struct LayerWeights {
  tensor::Tensor attention_norm;    // [width]
  tensor::Tensor feed_norm;         // [width]
  std::array<ops::Weight, 7> maps;  // by Site, [out, in]
  // Those that the config does not ask for are empty (0 bytes).
  std::array<tensor::Tensor, 3> biases;  // of q, k and v, [out]
  tensor::Tensor query_norm, key_norm;   // [head_width]
  tensor::Tensor attention_out_norm;     // [width], of what attention puts out
  tensor::Tensor feed_out_norm;          // [width], of what the feed-forward block puts out
  const ops::Weight& at(Site site) const { return maps[static_cast<std::size_t>(site)]; }
  const tensor::Tensor& bias(Site site) const { return biases[static_cast<std::size_t>(site)]; }
};

// Move-only. Norms multiply as they are: Gemma's 1 is added when they are read. Rows of q and k are in Hugging Face
// order (RoPE turns element i with element i + head_width / 2).
struct Weights {
  Config config;
  ops::Weight embedding;  // [vocabulary, width]
  std::vector<LayerWeights> layers;
  tensor::Tensor final_norm;  // [width]
  ops::Weight head_map;       // [vocabulary, width]; empty when config.tied_head

  // The head in 8-bit steps, for logits that are not trained on; empty: head().
  ops::Weight head_steps;

  const ops::Weight& head() const { return config.tied_head ? embedding : head_map; }
  std::size_t bytes() const;
};

// The [out, in] shape of a layer's linear map.
tensor::Shape shape_of(const Config& config, Site site);

// Collects tensors by their Hugging Face names:
//   model.embed_tokens.weight            [vocabulary, width]
//   model.layers.N.input_layernorm.weight, .post_attention_layernorm.weight   [width]
//   model.layers.N.self_attn.{q,k,v,o}_proj.weight, .mlp.{gate,up,down}_proj.weight
//   with biases, head norms:  .self_attn.{q,k,v}_proj.bias [out], .self_attn.{q,k}_norm.weight [head_width]
//   with sandwich norms:      .pre_feedforward_layernorm.weight is the one before the feed-forward block, and
//                             .post_attention_layernorm.weight, .post_feedforward_layernorm.weight come after the two
//   model.norm.weight                    [width]
//   lm_head.weight                       [vocabulary, width], only when the head is not tied
class WeightsBuilder {
 public:
  // Refuses (bad_input) a config whose sizes are absent or do not fit together.
  static Result<WeightsBuilder> make(const Config& config);
  // Every name that finish() needs with its shape, in file order.
  struct Wanted {
    std::string name;
    tensor::Shape shape;
  };
  const std::vector<Wanted>& wanted() const { return wanted_; }
  // Puts an f32 tensor in place. An error names the tensor: not one of wanted(), another shape, or given twice.
  Result<void> set(std::string_view name, tensor::Tensor values);
  // The same with a matrix in the form in which it is kept.
  Result<void> set(std::string_view name, ops::Weight matrix);
  // All in place; else an error that names what is missing. The builder is spent.
  Result<Weights> finish();

 private:
  // Where a tensor goes: a field of the weights, or of a layer.
  enum class Field : std::uint8_t {
    embedding,
    final_norm,
    head,
    attention_norm,
    feed_norm,
    attention_out_norm,
    feed_out_norm,
    query_norm,
    key_norm,
    map,
    bias
  };
  struct Place {
    Field field;
    int layer = 0;
    Site site = Site::q;
  };
  void want(const std::string& name, tensor::Shape shape, Place place);
  void want_layer(int layer);
  Result<std::size_t> take_place(std::string_view name, tensor::Shape shape);
  void put(const Place& place, tensor::Tensor line);
  void put(const Place& place, ops::Weight matrix);

  Weights weights_;
  std::vector<Wanted> wanted_;
  std::vector<Place> places_;  // of wanted_
  std::map<std::string, std::size_t, std::less<>> index_;
  std::vector<bool> given_;
};

// Weights for tests: normal with deviation 1 / sqrt(in), norms around 1, biases of deviation 0.1; a pure function of
// config and seed.
Weights random_weights(const Config& config, std::uint64_t seed);

}  // namespace hone::model
