#include "model/peft_config.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/terminal.h"

namespace hone::model {
namespace {

constexpr int most_rank = 65536;

// Whether a field is absent, null, false, zero, "" or empty: PEFT's defaults for everything that Hone does not apply.
bool unset(const Json& config, const char* field) {
  const auto found = config.find(field);
  if (found == config.end() || found->is_null()) return true;
  if (found->is_boolean()) return !found->get<bool>();
  if (found->is_number()) return found->get<double>() == 0;
  return found->empty() || (found->is_string() && found->get_ref<const std::string&>().empty());
}

// Fields that change what an adapter computes in ways that Hone does not do.
Result<void> check_unsupported(const Json& config, const std::string& where) {
  for (const char* field : {"use_dora", "modules_to_save", "lora_bias", "fan_in_fan_out", "alora_invocation_tokens",
                            "trainable_token_indices", "target_parameters", "layer_replication", "megatron_config",
                            "use_qalora", "use_bdlora", "kasa_config", "arrow_config", "monteclora_config"}) {
    if (!unset(config, field)) {
      return make_error(ErrorCode::unsupported, "{}: {} is {}; Hone applies plain LoRA only", where, field,
                        clipped(to_text(config[field]), 60));
    }
  }
  const auto refuse = [&](const char* field, const std::string& expected) {
    const auto value = config.find(field);
    return make_error(ErrorCode::unsupported, "{}: {} is {}, expected {}", where, field,
                      value == config.end() ? "absent" : clipped(to_text(*value), 60), expected);
  };
  if (config.value("peft_type", Json()) != "LORA") return refuse("peft_type", "\"LORA\"");
  const Json bias = config.value("bias", Json());
  if (!bias.is_null() && bias != "none") return refuse("bias", "\"none\"");
  const Json start = config.value("init_lora_weights", Json());
  const bool keeps_base =
      start.is_null() || start.is_boolean() || start == "gaussian" || start == "eva" || start == "orthogonal";
  if (!keeps_base)
    return refuse("init_lora_weights", "one that leaves the base's weights alone; convert the adapter in PEFT first");
  const Json pattern = config.value("layers_pattern", Json());
  const bool is_ours = unset(config, "layers_pattern") || pattern == "layers" || pattern == Json::array({"layers"});
  if (!is_ours) return refuse("layers_pattern", "\"layers\"");
  return {};
}

Result<int> read_rank(const Json& value, const std::string& where) {
  if (value.is_number_integer() && value >= 1 && value <= most_rank) return value.get<int>();
  return bad_input("{} is {}, expected a whole number from 1 to {}", where, clipped(to_text(value), 60), most_rank);
}

Result<float> read_alpha(const Json& value, const std::string& where) {
  if (value.is_number() && std::isfinite(value.get<float>())) return value.get<float>();
  return bad_input("{} is {}, expected a number", where, clipped(to_text(value), 60));
}

template <class Value, class Read>
Result<void> read_patterns(const Json& config, const char* field, const std::string& where, const Read& read,
                           std::vector<std::pair<std::string, Value>>& to) {
  if (unset(config, field)) return {};
  const Json& patterns = config[field];
  if (!patterns.is_object())
    return bad_input("{}: {} is {}, expected an object", where, field, clipped(to_text(patterns), 60));
  for (const auto& [pattern, value] : patterns.items()) {
    const Result<Value> one = read(value, fmt::format("{}: {}[{}]", where, field, printable(clipped(pattern, 40))));
    if (!one) return tl::unexpected(one.error());
    to.emplace_back(pattern, *one);
  }
  return {};
}

Result<void> read_layers(const Json& config, const std::string& where, std::vector<int>& to) {
  const Json layers = config.value("layers_to_transform", Json());
  if (layers.is_null()) return {};
  for (const Json& layer : layers.is_array() ? layers : Json::array({layers})) {
    if (!layer.is_number_integer() || layer < 0 || layer > most_rank)
      return bad_input("{}: layers_to_transform holds {}, expected layer numbers", where, clipped(to_text(layer), 60));
    to.push_back(layer.get<int>());
  }
  return {};
}

Json number(float value) {
  if (value == std::floor(value) && std::fabs(value) < 1e9F) return static_cast<std::int64_t>(value);
  return std::stod(fmt::format("{}", value));
}

// One figure of all pairs: the exceptions to `usual`, by the map's name where all its layers agree, else one by one.
template <class Value, class Of>
Json exceptions(const Adapter& adapter, Value usual, const Of& of) {
  Json patterns = Json::object();
  for (const Site site : all_sites) {
    std::map<int, Value> values;
    for (int layer = 0; layer < adapter.layers(); ++layer)
      if (!adapter.at(layer, site).is_absent()) values[layer] = of(adapter.at(layer, site));
    const bool agree = std::all_of(values.begin(), values.end(),
                                   [&](const auto& one) { return one.second == values.begin()->second; });
    if (values.empty() || (agree && values.begin()->second == usual)) continue;
    if (agree) {
      patterns[name_of(site)] = number(static_cast<float>(values.begin()->second));
      continue;
    }
    for (const auto& [layer, value] : values)
      if (value != usual) patterns[module_name(layer, site)] = number(static_cast<float>(value));
  }
  return patterns;
}

struct Targets {
  Json modules = Json::array();
  Json layers;  // null: all
};

Targets targets_of(const Adapter& adapter) {
  std::vector<Site> sites;
  std::vector<int> layers;
  Targets whole;  // every pair by its full name
  for (int layer = 0; layer < adapter.layers(); ++layer) {
    for (const Site site : all_sites) {
      if (adapter.at(layer, site).is_absent()) continue;
      whole.modules.push_back(module_name(layer, site));
      if (layers.empty() || layers.back() != layer) layers.push_back(layer);
      if (std::find(sites.begin(), sites.end(), site) == sites.end()) sites.push_back(site);
    }
  }
  if (whole.modules.size() != sites.size() * layers.size()) return whole;
  std::sort(sites.begin(), sites.end());
  Targets targets;
  for (const Site site : sites) targets.modules.push_back(name_of(site));
  if (static_cast<int>(layers.size()) < adapter.layers()) targets.layers = layers;
  return targets;
}

}  // namespace

Json peft_config(const Adapter& adapter, const std::string& base_name) {
  const LoraSpec& spec = adapter.spec();
  const Targets targets = targets_of(adapter);
  return {{"alpha_pattern", exceptions(adapter, spec.alpha, [](const LoraPair& pair) { return pair.alpha; })},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path", base_name},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"layer_replication", nullptr},
          {"layers_pattern", nullptr},
          {"layers_to_transform", targets.layers},
          {"lora_alpha", number(spec.alpha)},
          {"lora_dropout", spec.dropout == 0 ? Json(0.0) : number(spec.dropout)},
          {"modules_to_save", nullptr},
          {"peft_type", "LORA"},
          {"r", spec.rank},
          {"rank_pattern", exceptions(adapter, spec.rank, [](const LoraPair& pair) { return pair.rank(); })},
          {"revision", nullptr},
          {"target_modules", targets.modules},
          {"task_type", "CAUSAL_LM"},
          {"use_dora", false},
          {"use_rslora", spec.scaling == Scaling::by_root}};
}

Result<LoraSpec> read_peft_config(const Json& json, const std::string& where) {
  if (!json.is_object()) return bad_input("{}: expected a JSON object", where);
  if (Result<void> fine = check_unsupported(json, where); !fine) return tl::unexpected(fine.error());
  const Result<int> rank = read_rank(json.value("r", Json()), where + ": r");
  if (!rank) return tl::unexpected(rank.error());
  const Result<float> alpha = read_alpha(json.value("lora_alpha", Json()), where + ": lora_alpha");
  if (!alpha) return tl::unexpected(alpha.error());
  LoraSpec spec;
  spec.rank = *rank;
  spec.alpha = *alpha;
  if (const Json rs = json.value("use_rslora", Json()); !rs.is_null() && !rs.is_boolean())
    return bad_input("{}: use_rslora is {}, expected true or false", where, clipped(to_text(rs), 60));
  if (!unset(json, "use_rslora")) spec.scaling = Scaling::by_root;
  if (const Json dropout = json.value("lora_dropout", Json()); dropout.is_number()) spec.dropout = dropout.get<float>();
  Result<void> read = read_patterns(json, "rank_pattern", where, read_rank, spec.rank_pattern);
  if (read) read = read_patterns(json, "alpha_pattern", where, read_alpha, spec.alpha_pattern);
  if (read) read = read_layers(json, where, spec.layers);
  if (!read) return tl::unexpected(read.error());
  return spec;
}

namespace {

// By PEFT's rules: a text is a regular expression, a list holds names and their ends.
Result<bool> is_targeted(const Json& targets, const std::string& module, const std::string& where) {
  if (targets.is_null() || targets == "all-linear") return true;
  if (targets.is_string()) {
    Result<bool> matches = matches_module(targets.get<std::string>(), module);
    if (!matches) return bad_input("{}: target_modules: {}", where, matches.error().message);
    return matches;
  }
  if (!targets.is_array())
    return bad_input("{}: target_modules is {}, expected names of maps", where, clipped(to_text(targets), 60));
  return std::any_of(targets.begin(), targets.end(), [&](const Json& target) {
    return target.is_string() && (target == module || module.ends_with("." + target.get<std::string>()));
  });
}

}  // namespace

Result<void> check_targets(const Json& json, const Adapter& adapter, const std::string& where) {
  const Json targets = json.value("target_modules", Json());
  const Json layers = json.value("layers_to_transform", Json());
  const Json listed = layers.is_array() || layers.is_null() ? layers : Json::array({layers});
  for (int layer = 0; layer < adapter.layers(); ++layer) {
    for (const Site site : all_sites) {
      if (adapter.at(layer, site).is_absent()) continue;
      const std::string module = module_name(layer, site);
      const Result<bool> targeted = is_targeted(targets, module, where);
      if (!targeted) return tl::unexpected(targeted.error());
      const bool in_layers = listed.is_null() || std::find(listed.begin(), listed.end(), layer) != listed.end();
      if (*targeted && in_layers) continue;
      return bad_input(
          "{}: {} is {}, which leaves out {}, but the weights beside it hold that map: PEFT would not apply it; put "
          "the "
          "config back that the weights were saved with",
          where, *targeted ? "layers_to_transform" : "target_modules",
          clipped(to_text(*targeted ? layers : targets), 60), module);
    }
  }
  return {};
}

}  // namespace hone::model
