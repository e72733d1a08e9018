// LoRA weights over a frozen base: y = W x + s B (A x) (Hu et al. 2021), for any of the seven linear maps of each
// layer. A [rank, in], B [out, rank], f32; s is lora_scale() of the pair's alpha and rank.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "model/config.h"
#include "model/lora_spec.h"
#include "tensor/tensor.h"

namespace hone::model {

// Of one map; all empty where the map is not adapted.
struct LoraPair {
  tensor::Tensor a;  // [rank, in]
  tensor::Tensor b;  // [out, rank]
  float alpha = 0;
  float scale = 0;  // s

  bool is_absent() const { return b.bytes() == 0; }
  int rank() const { return static_cast<int>(a.shape()[0]); }
};

class Adapter {
 public:
  // A uniform in +-1/sqrt(in) (PEFT's kaiming_uniform(a = sqrt 5)), drawn from (seed, map), B zero. Throws Failure
  // (bad_input) where pair_specs() refuses.
  static Adapter init(const Config& config, const LoraSpec& spec);
  // Pairs as `pairs` says, all zero; of `spec` the rest is kept.
  static Adapter zeros(const Config& config, const LoraSpec& spec, const PairSpecs& pairs);
  // Same shapes, all zero: for gradients and moments.
  Adapter zeros_like() const;
  Adapter copy() const;

  const LoraSpec& spec() const { return spec_; }
  int layers() const { return static_cast<int>(pairs_.size()); }
  LoraPair& at(int layer, Site site) { return pairs_[static_cast<std::size_t>(layer)][static_cast<std::size_t>(site)]; }
  const LoraPair& at(int layer, Site site) const {
    return pairs_[static_cast<std::size_t>(layer)][static_cast<std::size_t>(site)];
  }
  // Every A and B, layer by layer, in a fixed order, with PEFT's name
  // ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight").
  enum class Part : std::uint8_t { a, b };
  struct Named {
    std::string name;
    tensor::Tensor* tensor;
    Part part;
  };
  std::vector<Named> tensors();
  std::size_t parameters() const;
  int largest_rank() const;
  // Of those with a pair; layers() where there is none. Nothing below it needs a gradient.
  int lowest_layer() const;
  // Every B is zero: answers are the base's.
  bool changes_nothing() const;

  // A PEFT folder: adapter_config.json and adapter_model.safetensors (Hugging Face row order of q and k), which names
  // its base by `base_sha256` where that is not empty; see check_adapter_base().
  void save(const Path& folder, const std::string& base_name, const std::string& base_sha256 = "") const;
  // Refuses by field or tensor what Hone cannot apply (DoRA, modules_to_save, other targets' shapes, values that are
  // not finite).
  static Result<Adapter> load(const Path& folder, const Config& config);

 private:
  LoraSpec spec_;
  std::vector<std::array<LoraPair, all_sites.size()>> pairs_;
};

// parameters() of Adapter::init(config, spec), which is not made. Throws as that does.
std::size_t lora_parameters(const Config& config, const LoraSpec& spec);

}  // namespace hone::model
