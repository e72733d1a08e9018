// Adapters in PEFT's format: adapter_config.json and adapter_model.safetensors.
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/json.h"
#include "formats/safetensors.h"
#include "model/adapter.h"
#include "model/weights.h"

namespace hone::model {
namespace {

using tensor::Tensor;

constexpr const char* config_file = "adapter_config.json";
constexpr const char* weights_file = "adapter_model.safetensors";

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
  for (const char* field : {"use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "lora_bias",
                            "fan_in_fan_out", "alora_invocation_tokens", "trainable_token_indices", "target_parameters",
                            "layer_replication", "megatron_config", "use_qalora", "use_bdlora"}) {
    if (!unset(config, field)) {
      return make_error(ErrorCode::unsupported, "{}: {} is {}; Hone applies plain LoRA only", where, field,
                        to_text(config[field]));
    }
  }
  const auto type = config.find("peft_type");
  if (type == config.end() || *type != "LORA") {
    return make_error(ErrorCode::unsupported, "{}: peft_type is {}, expected \"LORA\"", where,
                      type == config.end() ? "absent" : to_text(*type));
  }
  const auto bias = config.find("bias");
  if (bias != config.end() && !bias->is_null() && *bias != "none") {
    return make_error(ErrorCode::unsupported, "{}: bias is {}, expected \"none\"", where, to_text(*bias));
  }
  return {};
}

Result<LoraSpec> read_spec(const Json& config, const std::string& where) {
  const auto rank = config.find("r");
  if (rank == config.end() || !rank->is_number_integer() || *rank < 1 || *rank > 65536) {
    return bad_input("{}: r is {}, expected an integer from 1 to 65536", where,
                     rank == config.end() ? "absent" : to_text(*rank));
  }
  const auto alpha = config.find("lora_alpha");
  if (alpha == config.end() || !alpha->is_number() || !std::isfinite(alpha->get<double>())) {
    return bad_input("{}: lora_alpha is {}, expected a number", where,
                     alpha == config.end() ? "absent" : to_text(*alpha));
  }
  LoraSpec spec;
  spec.rank = rank->get<int>();
  spec.alpha = alpha->get<float>();
  // PEFT's use_rslora divides by sqrt(rank) instead; the same map is a plain one with another alpha.
  if (!unset(config, "use_rslora")) spec.alpha *= std::sqrt(static_cast<float>(spec.rank));
  return spec;
}

}  // namespace

void Adapter::save(const Path& folder, const std::string& base_name) const {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    fail(ErrorCode::environment, "cannot make the folder {}: {}; choose another place", folder.string(),
         failed.message());
  }
  Json config = {{"peft_type", "LORA"},
                 {"task_type", "CAUSAL_LM"},
                 {"base_model_name_or_path", base_name},
                 {"r", spec_.rank},
                 {"lora_alpha", spec_.alpha},
                 {"lora_dropout", 0.0},
                 {"bias", "none"},
                 {"fan_in_fan_out", false},
                 {"inference_mode", true},
                 {"use_rslora", false},
                 {"use_dora", false},
                 {"modules_to_save", nullptr},
                 {"target_modules", Json::array()}};
  for (Site site : all_sites) config["target_modules"].push_back(name_of(site));
  if (spec_.alpha == std::floor(spec_.alpha)) config["lora_alpha"] = static_cast<std::int64_t>(spec_.alpha);
  Adapter whole = copy();
  std::vector<formats::NamedView> views;
  for (const Named& named : whole.tensors()) views.push_back({named.name, named.tensor->view()});
  formats::write_safetensors(folder / weights_file, views, {{"format", "pt"}});
  write_file(folder / config_file, to_pretty_text(config));
}

Result<Adapter> Adapter::load(const Path& folder, const Config& config) {
  const std::string where = (folder / config_file).string();
  Result<std::string> text = read_file(folder / config_file);
  if (!text) return tl::unexpected<Error>(text.error());
  Result<Json> json = parse_json(*text, where);
  if (!json) return tl::unexpected<Error>(json.error());
  if (!json->is_object()) return bad_input("{}: expected a JSON object", where);
  if (Result<void> fine = check_unsupported(*json, where); !fine) return tl::unexpected<Error>(fine.error());
  Result<LoraSpec> spec = read_spec(*json, where);
  if (!spec) return tl::unexpected<Error>(spec.error());

  const std::string file = (folder / weights_file).string();
  Result<formats::SafetensorsFile> opened = formats::SafetensorsFile::open(folder / weights_file);
  if (!opened) return tl::unexpected<Error>(opened.error());
  // Maps that the file leaves out (PEFT's target_modules may be a few only) stay zero, which changes nothing.
  Adapter adapter = init(config, {spec->rank, spec->alpha, 1});
  std::set<std::string> unread;
  for (const std::string& name : opened->names()) unread.insert(name);
  std::size_t read = 0;
  for (const Named& named : adapter.tensors()) {
    if (!opened->contains(named.name)) {
      const std::string& other = named.name;
      const bool is_a = other.find("lora_A") != std::string::npos;
      std::string partner = other;
      partner.replace(partner.rfind(is_a ? "lora_A" : "lora_B"), 6, is_a ? "lora_B" : "lora_A");
      if (opened->contains(partner)) return bad_input("{}: has {} but lacks {}", file, partner, other);
      std::fill_n(named.tensor->f32(), named.tensor->shape().count(), 0.0F);
      continue;
    }
    Result<Tensor> values = opened->f32(named.name);
    if (!values) return tl::unexpected<Error>(values.error());
    if (values->shape() != named.tensor->shape()) {
      return bad_input("{}: {} is {}, expected {}: is the adapter for another model?", file, named.name,
                       values->shape().text(), named.tensor->shape().text());
    }
    *named.tensor = std::move(*values);
    unread.erase(named.name);
    ++read;
  }
  if (!unread.empty()) {
    return make_error(ErrorCode::unsupported, "{}: Hone cannot apply {} ({} tensors in all)", file, *unread.begin(),
                      unread.size());
  }
  if (read == 0) return bad_input("{}: holds no LoRA tensors", file);
  return adapter;
}

}  // namespace hone::model
