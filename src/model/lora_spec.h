// Which linear maps LoRA adapts, and with what rank and strength: PEFT's LoraConfig, as far as Hone trains and applies
// it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/config.h"

namespace hone::model {

enum class Site : std::uint8_t { q, k, v, o, gate, up, down };
inline constexpr std::array<Site, 7> all_sites = {Site::q, Site::k, Site::v, Site::o, Site::gate, Site::up, Site::down};
const char* name_of(Site site);  // PEFT's: "q_proj" ...
// bad_input with the names there are.
Result<Site> site_named(const std::string& name);
// "model.layers.3.self_attn.q_proj": what patterns are matched against.
std::string module_name(int layer, Site site);

// What alpha is divided by: the rank, or its square root (rsLoRA, Kalajdzievski 2023, arXiv 2312.03732).
enum class Scaling : std::uint8_t { by_rank, by_root };
float lora_scale(Scaling scaling, float alpha, int rank);

struct LoraSpec {
  int rank = 16;
  float alpha = 32;
  std::uint64_t seed = 1;
  Scaling scaling = Scaling::by_rank;
  std::vector<Site> targets{};  // empty: all
  std::vector<int> layers{};    // empty: all
  // Exceptions to rank and alpha. A pattern is a regular expression; it holds for a module whose name it matches from a
  // dot (or the start) to the end; of several the first one (PEFT's get_pattern_key).
  std::vector<std::pair<std::string, int>> rank_pattern{};
  std::vector<std::pair<std::string, float>> alpha_pattern{};
  float dropout = 0;  // of a pair's input, in training only
};

// Rank and alpha of one map's pair; rank 0: the map is not adapted.
struct PairSpec {
  int rank = 0;
  float alpha = 0;
};
using PairSpecs = std::vector<std::array<PairSpec, all_sites.size()>>;  // a layer each

// Whether `pattern`, a regular expression as above, matches the module's name. bad_input: it is none.
Result<bool> matches_module(const std::string& pattern, const std::string& module);

// What `spec` means for a model of `config`. bad_input: a layer that the model lacks, a pattern that is no regular
// expression.
Result<PairSpecs> pair_specs(const Config& config, const LoraSpec& spec);
// The same refusals, and of a pattern that matches nothing, which PEFT lets pass: a slip of the pen in a new training.
Result<void> check_lora(const Config& config, const LoraSpec& spec);

}  // namespace hone::model
