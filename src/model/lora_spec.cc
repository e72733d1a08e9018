#include "model/lora_spec.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/terminal.h"

namespace hone::model {
namespace {

constexpr std::size_t longest_pattern = 4096;
constexpr std::uint32_t most_match_steps = 100'000;  // a pattern from outside may backtrack without end

// PEFT's get_pattern_key() for one key: re.match(rf"(.*\.)?({key})$", name).
class ModulePattern {
 public:
  static Result<ModulePattern> compile(const std::string& pattern) {
    if (pattern.size() > longest_pattern)
      return bad_input("the pattern {} has {} characters; at most {} are read", clipped(pattern, 40), pattern.size(),
                       longest_pattern);
    const std::string whole = "\\A(.*\\.)?(" + pattern + ")\\z";
    int code = 0;
    std::size_t at = 0;
    ModulePattern made;
    made.code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(whole.data()), whole.size(), 0, &code, &at, nullptr),
                     pcre2_code_free);
    if (made.code_ == nullptr) {
      std::array<PCRE2_UCHAR, 160> why{};
      pcre2_get_error_message(code, why.data(), why.size());
      return bad_input("the pattern {} is no regular expression: {}", printable(pattern),
                       reinterpret_cast<const char*>(why.data()));
    }
    return made;
  }

  bool matches(const std::string& name) const {
    const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> found(
        pcre2_match_data_create_from_pattern(code_.get(), nullptr), pcre2_match_data_free);
    const std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> limits(
        pcre2_match_context_create(nullptr), pcre2_match_context_free);
    pcre2_set_match_limit(limits.get(), most_match_steps);
    return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0, found.get(),
                       limits.get()) > 0;
  }

 private:
  std::shared_ptr<pcre2_code> code_;
};

template <class Value>
using Patterns = std::vector<std::pair<std::string, Value>>;

template <class Value>
Result<std::vector<ModulePattern>> compiled(const Patterns<Value>& patterns) {
  std::vector<ModulePattern> all;
  for (const auto& [pattern, value] : patterns) {
    Result<ModulePattern> one = ModulePattern::compile(pattern);
    if (!one) return tl::unexpected(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

// Gives `take` each adapted map with the value of the first pattern that matches its name.
template <class Value, class Take>
Result<void> apply_patterns(const Patterns<Value>& patterns, PairSpecs& specs, const Take& take) {
  const Result<std::vector<ModulePattern>> all = compiled(patterns);
  if (!all) return tl::unexpected(all.error());
  for (std::size_t layer = 0; layer < specs.size() && !patterns.empty(); ++layer) {
    for (const Site site : all_sites) {
      PairSpec& spec = specs[layer][static_cast<std::size_t>(site)];
      const std::string name = module_name(static_cast<int>(layer), site);
      const auto first =
          std::find_if(all->begin(), all->end(), [&](const ModulePattern& one) { return one.matches(name); });
      if (spec.rank > 0 && first != all->end()) take(spec, patterns[static_cast<std::size_t>(first - all->begin())]);
    }
  }
  return {};
}

// A pattern that matches no adapted map is a slip of the pen.
template <class Value>
Result<void> check_used(const Patterns<Value>& patterns, const PairSpecs& specs) {
  const Result<std::vector<ModulePattern>> all = compiled(patterns);
  if (!all) return tl::unexpected(all.error());
  for (std::size_t i = 0; i < all->size(); ++i) {
    bool is_used = false;
    for (std::size_t layer = 0; layer < specs.size(); ++layer)
      for (const Site site : all_sites)
        is_used = is_used || (specs[layer][static_cast<std::size_t>(site)].rank > 0 &&
                              (*all)[i].matches(module_name(static_cast<int>(layer), site)));
    if (!is_used)
      return bad_input("the pattern {} matches no map that is adapted; maps are called as {}",
                       printable(patterns[i].first), module_name(0, Site::q));
  }
  return {};
}

}  // namespace

const char* name_of(Site site) {
  constexpr std::array<const char*, 7> names = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                "gate_proj", "up_proj", "down_proj"};
  return names[static_cast<std::size_t>(site)];
}

Result<Site> site_named(const std::string& name) {
  std::string known;
  for (const Site site : all_sites) {
    if (name == name_of(site)) return site;
    known += (known.empty() ? "" : ", ") + std::string(name_of(site));
  }
  return bad_input("{} is no map that LoRA can adapt; these are: {}", printable(name), known);
}

std::string module_name(int layer, Site site) {
  return fmt::format("model.layers.{}.{}.{}", layer, site <= Site::o ? "self_attn" : "mlp", name_of(site));
}

float lora_scale(Scaling scaling, float alpha, int rank) {
  const auto ranks = static_cast<float>(rank);
  return scaling == Scaling::by_root ? alpha / std::sqrt(ranks) : alpha / ranks;
}

Result<bool> matches_module(const std::string& pattern, const std::string& module) {
  const Result<ModulePattern> compiled = ModulePattern::compile(pattern);
  if (!compiled) return tl::unexpected(compiled.error());
  return compiled->matches(module);
}

Result<PairSpecs> pair_specs(const Config& config, const LoraSpec& spec) {
  for (const int layer : spec.layers) {
    if (layer < 0 || layer >= config.layers)
      return bad_input("there is no layer {}; the model's are 0 to {}", layer, config.layers - 1);
  }
  const auto holds = [](const auto& some, auto one) {
    return some.empty() || std::find(some.begin(), some.end(), one) != some.end();
  };
  PairSpecs specs(static_cast<std::size_t>(config.layers));
  for (int layer = 0; layer < config.layers; ++layer) {
    for (const Site site : all_sites) {
      if (holds(spec.layers, layer) && holds(spec.targets, site))
        specs[static_cast<std::size_t>(layer)][static_cast<std::size_t>(site)] = {spec.rank, spec.alpha};
    }
  }
  Result<void> done = apply_patterns(spec.rank_pattern, specs, [](PairSpec& to, const auto& p) { to.rank = p.second; });
  if (done) done = apply_patterns(spec.alpha_pattern, specs, [](PairSpec& to, const auto& p) { to.alpha = p.second; });
  if (!done) return tl::unexpected(done.error());
  return specs;
}

Result<void> check_lora(const Config& config, const LoraSpec& spec) {
  const Result<PairSpecs> specs = pair_specs(config, spec);
  if (!specs) return tl::unexpected(specs.error());
  if (Result<void> used = check_used(spec.rank_pattern, *specs); !used) return used;
  return check_used(spec.alpha_pattern, *specs);
}

}  // namespace hone::model
