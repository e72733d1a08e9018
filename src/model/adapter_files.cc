// Adapters in PEFT's format: adapter_config.json and adapter_model.safetensors.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "base/json.h"
#include "formats/safetensors.h"
#include "model/adapter.h"
#include "model/peft_config.h"

namespace hone::model {
namespace {

using formats::SafetensorsFile;
using tensor::Tensor;

constexpr const char* config_file = "adapter_config.json";
constexpr const char* weights_file = "adapter_model.safetensors";

// The pairs that `file` holds, with what `spec` says of their ranks: of PEFT's target_modules some may be left out,
// which changes nothing.
Result<PairSpecs> pairs_in(const SafetensorsFile& file, const Config& config, const LoraSpec& spec) {
  LoraSpec all = spec;
  all.layers.clear();
  Result<PairSpecs> pairs = pair_specs(config, all);
  if (!pairs) return pairs;
  for (int layer = 0; layer < config.layers; ++layer) {
    for (const Site site : all_sites) {
      const std::string prefix = "base_model.model." + module_name(layer, site);
      const bool has_any = file.contains(prefix + ".lora_A.weight") || file.contains(prefix + ".lora_B.weight");
      if (!has_any) (*pairs)[static_cast<std::size_t>(layer)][static_cast<std::size_t>(site)] = {};
    }
  }
  return pairs;
}

Result<void> check_finite(const Tensor& values, const std::string& name, const std::string& file) {
  const float* begin = values.f32();
  const float* end = begin + values.shape().count();
  const float* found = std::find_if(begin, end, [](float value) { return !std::isfinite(value); });
  if (found == end) return {};
  return bad_input("{}: {} holds {} at value {}; the file is damaged, or its training broke down: train again", file,
                   name, *found, found - begin);
}

Result<void> read_tensors(const SafetensorsFile& opened, const std::string& file, Adapter& adapter) {
  std::set<std::string> unread;
  for (const std::string& name : opened.names()) unread.insert(name);
  for (const Adapter::Named& named : adapter.tensors()) {
    if (!opened.contains(named.name))
      return bad_input("{}: has {} of a pair but lacks {}", file, named.part == Adapter::Part::a ? "lora_B" : "lora_A",
                       named.name);
    Result<Tensor> values = opened.f32(named.name);
    if (!values) return tl::unexpected(values.error());
    if (values->shape() != named.tensor->shape()) {
      return bad_input("{}: {} is {}, expected {}: is the adapter for another model, or its {} changed?", file,
                       named.name, values->shape().text(), named.tensor->shape().text(), config_file);
    }
    if (Result<void> finite = check_finite(*values, named.name, file); !finite) return finite;
    *named.tensor = std::move(*values);
    unread.erase(named.name);
  }
  if (!unread.empty()) {
    return make_error(ErrorCode::unsupported, "{}: Hone cannot apply {} ({} tensors in all)", file, *unread.begin(),
                      unread.size());
  }
  return {};
}

}  // namespace

void Adapter::save(const Path& folder, const std::string& base_name, const std::string& base_sha256) const {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    fail(ErrorCode::environment, "cannot make the folder {}: {}; choose another place", folder.string(),
         failed.message());
  }
  Adapter whole = copy();
  std::vector<formats::NamedView> views;
  for (const Named& named : whole.tensors()) views.push_back({named.name, named.tensor->view()});
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  if (!base_sha256.empty()) metadata[base_hash_key] = base_sha256;
  formats::write_safetensors(folder / weights_file, views, metadata);
  write_file(folder / config_file, to_pretty_text(peft_config(*this, base_name)));
}

Result<Adapter> Adapter::load(const Path& folder, const Config& config) {
  const std::string where = (folder / config_file).string();
  Result<std::string> text = read_file(folder / config_file);
  if (!text) return tl::unexpected<Error>(text.error());
  Result<Json> json = parse_json(*text, where);
  if (!json) return tl::unexpected<Error>(json.error());
  const Result<LoraSpec> spec = read_peft_config(*json, where);
  if (!spec) return tl::unexpected<Error>(spec.error());
  const std::string file = (folder / weights_file).string();
  Result<SafetensorsFile> opened = SafetensorsFile::open(folder / weights_file);
  if (!opened) return tl::unexpected<Error>(opened.error());
  const Result<PairSpecs> pairs = pairs_in(*opened, config, *spec);
  if (!pairs) return make_error(pairs.error().code, "{}: {}", where, pairs.error().message);
  Adapter adapter = zeros(config, *spec, *pairs);
  if (adapter.parameters() == 0 && opened->names().empty()) return bad_input("{}: holds no LoRA tensors", file);
  if (Result<void> read = read_tensors(*opened, file, adapter); !read) return tl::unexpected<Error>(read.error());
  if (Result<void> fits = check_targets(*json, adapter, where); !fits) return tl::unexpected<Error>(fits.error());
  return adapter;
}

}  // namespace hone::model
