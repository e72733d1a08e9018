// LoRA weights over a frozen base: y = W x + s B (A x), s = alpha / rank (Hu et al. 2021), for the seven linear maps of
// each layer. A [rank, in], B [out, rank], f32.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "model/config.h"
#include "tensor/tensor.h"

namespace hone::model {

enum class Site : std::uint8_t { q, k, v, o, gate, up, down };
inline constexpr std::array<Site, 7> all_sites = {Site::q, Site::k, Site::v, Site::o, Site::gate, Site::up, Site::down};
const char* name_of(Site site);  // PEFT's: "q_proj" ...

struct LoraSpec {
  int rank = 16;
  float alpha = 32;
  std::uint64_t seed = 1;
  float scale() const { return alpha / static_cast<float>(rank); }
};

struct LoraPair {
  tensor::Tensor a;  // [rank, in]
  tensor::Tensor b;  // [out, rank]
};

class Adapter {
 public:
  // A uniform in +-1/sqrt(in) (PEFT's kaiming_uniform(a = sqrt 5)), B zero.
  static Adapter init(const Config& config, const LoraSpec& spec);
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
  struct Named {
    std::string name;
    tensor::Tensor* tensor;
  };
  std::vector<Named> tensors();
  std::size_t parameters() const;

  // A PEFT folder: adapter_config.json and adapter_model.safetensors (Hugging Face row order of q and k).
  void save(const Path& folder, const std::string& base_name) const;
  // Refuses by field what Hone cannot apply (DoRA, modules_to_save, other targets' shapes).
  static Result<Adapter> load(const Path& folder, const Config& config);

 private:
  LoraSpec spec_;
  std::vector<std::array<LoraPair, 7>> pairs_;
};

}  // namespace hone::model
