#include "model/adapter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/rng.h"
#include "model/weights.h"

namespace hone::model {

using tensor::Tensor;

Adapter Adapter::zeros(const Config& config, const LoraSpec& spec, const PairSpecs& pairs) {
  HONE_CHECK(pairs.size() == static_cast<std::size_t>(config.layers));
  Adapter adapter;
  adapter.spec_ = spec;
  adapter.pairs_.resize(pairs.size());
  for (std::size_t layer = 0; layer < pairs.size(); ++layer) {
    for (const Site site : all_sites) {
      const PairSpec& wanted = pairs[layer][static_cast<std::size_t>(site)];
      if (wanted.rank == 0) continue;
      HONE_CHECK(wanted.rank > 0);
      const tensor::Shape shape = shape_of(config, site);
      LoraPair& pair = adapter.pairs_[layer][static_cast<std::size_t>(site)];
      pair.a = Tensor::zeros({wanted.rank, shape[1]});
      pair.b = Tensor::zeros({shape[0], wanted.rank});
      pair.alpha = wanted.alpha;
      pair.scale = lora_scale(spec.scaling, wanted.alpha, wanted.rank);
    }
  }
  return adapter;
}

Adapter Adapter::init(const Config& config, const LoraSpec& spec) {
  HONE_CHECK(spec.rank > 0);
  Adapter adapter = zeros(config, spec, value_or_throw(pair_specs(config, spec)));
  std::uint64_t stream = 0;
  for (auto& layer : adapter.pairs_) {
    for (LoraPair& pair : layer) {
      Rng rng(spec.seed, stream++);
      if (pair.is_absent()) continue;
      const double bound = 1 / std::sqrt(static_cast<double>(pair.a.shape()[1]));
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
      const LoraPair& pair = pairs_[layer][site];
      if (pair.is_absent()) continue;
      zeros.pairs_[layer][site] = {Tensor::zeros(pair.a.shape()), Tensor::zeros(pair.b.shape()), pair.alpha,
                                   pair.scale};
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
      const LoraPair& pair = pairs_[layer][site];
      if (pair.is_absent()) continue;
      copied.pairs_[layer][site] = {pair.a.copy(), pair.b.copy(), pair.alpha, pair.scale};
    }
  }
  return copied;
}

std::vector<Adapter::Named> Adapter::tensors() {
  std::vector<Named> named;
  for (int layer = 0; layer < layers(); ++layer) {
    for (Site site : all_sites) {
      LoraPair& pair = at(layer, site);
      if (pair.is_absent()) continue;
      const std::string prefix = "base_model.model." + module_name(layer, site) + ".";
      named.push_back({prefix + "lora_A.weight", &pair.a, Part::a});
      named.push_back({prefix + "lora_B.weight", &pair.b, Part::b});
    }
  }
  return named;
}

std::size_t lora_parameters(const Config& config, const LoraSpec& spec) {
  std::size_t count = 0;
  for (const auto& layer : value_or_throw(pair_specs(config, spec))) {
    for (const Site site : all_sites) {
      const tensor::Shape shape = shape_of(config, site);
      count += static_cast<std::size_t>(layer[static_cast<std::size_t>(site)].rank * (shape[0] + shape[1]));
    }
  }
  return count;
}

std::size_t Adapter::parameters() const {
  std::size_t count = 0;
  for (const auto& layer : pairs_) {
    for (const LoraPair& pair : layer) {
      if (!pair.is_absent()) count += static_cast<std::size_t>(pair.a.shape().count() + pair.b.shape().count());
    }
  }
  return count;
}

int Adapter::largest_rank() const {
  int largest = 0;
  for (const auto& layer : pairs_) {
    for (const LoraPair& pair : layer) largest = std::max(largest, pair.is_absent() ? 0 : pair.rank());
  }
  return largest;
}

int Adapter::lowest_layer() const {
  const auto lowest = std::find_if(pairs_.begin(), pairs_.end(), [](const auto& layer) {
    return std::any_of(layer.begin(), layer.end(), [](const LoraPair& pair) { return !pair.is_absent(); });
  });
  return static_cast<int>(lowest - pairs_.begin());
}

bool Adapter::changes_nothing() const {
  return std::all_of(pairs_.begin(), pairs_.end(), [](const auto& layer) {
    return std::all_of(layer.begin(), layer.end(), [](const LoraPair& pair) {
      return pair.is_absent() ||
             std::all_of(pair.b.f32(), pair.b.f32() + pair.b.shape().count(), [](float value) { return value == 0; });
    });
  });
}

}  // namespace hone::model
