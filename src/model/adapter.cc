#include "model/adapter.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "base/rng.h"
#include "model/weights.h"

namespace hone::model {

using tensor::Tensor;

const char* name_of(Site site) {
  constexpr std::array<const char*, 7> names = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                "gate_proj", "up_proj", "down_proj"};
  return names[static_cast<std::size_t>(site)];
}

Adapter Adapter::init(const Config& config, const LoraSpec& spec) {
  HONE_CHECK(spec.rank > 0);
  Adapter adapter;
  adapter.spec_ = spec;
  adapter.pairs_.resize(static_cast<std::size_t>(config.layers));
  std::uint64_t stream = 0;
  for (auto& layer : adapter.pairs_) {
    for (Site site : all_sites) {
      const tensor::Shape shape = shape_of(config, site);
      LoraPair& pair = layer[static_cast<std::size_t>(site)];
      pair.a = Tensor::empty({spec.rank, shape[1]});
      pair.b = Tensor::zeros({shape[0], spec.rank});
      Rng rng(spec.seed, stream++);
      const double bound = 1 / std::sqrt(static_cast<double>(shape[1]));
      float* a = pair.a.f32();
      for (std::int64_t i = 0; i < pair.a.shape().count(); ++i) {
        a[i] = static_cast<float>(bound * (2 * rng.uniform() - 1));
      }
    }
  }
  return adapter;
}

Adapter Adapter::zeros_like() const {
  Adapter zeros;
  zeros.spec_ = spec_;
  zeros.pairs_.resize(pairs_.size());
  for (std::size_t layer = 0; layer < pairs_.size(); ++layer) {
    for (std::size_t site = 0; site < all_sites.size(); ++site) {
      zeros.pairs_[layer][site].a = Tensor::zeros(pairs_[layer][site].a.shape());
      zeros.pairs_[layer][site].b = Tensor::zeros(pairs_[layer][site].b.shape());
    }
  }
  return zeros;
}

Adapter Adapter::copy() const {
  Adapter copied;
  copied.spec_ = spec_;
  copied.pairs_.resize(pairs_.size());
  for (std::size_t layer = 0; layer < pairs_.size(); ++layer) {
    for (std::size_t site = 0; site < all_sites.size(); ++site) {
      copied.pairs_[layer][site].a = pairs_[layer][site].a.copy();
      copied.pairs_[layer][site].b = pairs_[layer][site].b.copy();
    }
  }
  return copied;
}

std::vector<Adapter::Named> Adapter::tensors() {
  std::vector<Named> named;
  for (int layer = 0; layer < layers(); ++layer) {
    for (Site site : all_sites) {
      const std::string prefix = fmt::format("base_model.model.model.layers.{}.{}.{}.", layer,
                                             site <= Site::o ? "self_attn" : "mlp", name_of(site));
      named.push_back({prefix + "lora_A.weight", &at(layer, site).a});
      named.push_back({prefix + "lora_B.weight", &at(layer, site).b});
    }
  }
  return named;
}

std::size_t Adapter::parameters() const {
  std::size_t count = 0;
  for (const auto& layer : pairs_) {
    for (const LoraPair& pair : layer) {
      count += static_cast<std::size_t>(pair.a.shape().count() + pair.b.shape().count());
    }
  }
  return count;
}

}  // namespace hone::model
