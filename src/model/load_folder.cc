#include "model/load_folder.h"

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/terminal.h"
#include "formats/large_json.h"
#include "formats/safetensors.h"

namespace hone::model {
namespace {

using formats::SafetensorsFile;

constexpr const char* supported = "LlamaForCausalLM without RoPE scaling or biases (Llama 2, SmolLM2)";

// Reads fields in turn; the first error is kept. A field that is null counts as absent.
class Fields {
 public:
  Fields(const Json& json, const std::string& where) : json_(json), where_(printable(where)) {}

  const Json* find(const char* name) const {
    const auto found = json_.find(name);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  int size(const char* name, std::optional<int> fallback = std::nullopt) {
    const Json* field = find(name);
    if (field == nullptr && fallback) return *fallback;
    // A number above 2^63 turns negative here, and is refused like one.
    const std::int64_t value = field != nullptr && field->is_number_integer() ? field->get<std::int64_t>() : 0;
    if (value >= 1 && value <= std::numeric_limits<int>::max()) return static_cast<int>(value);
    refuse(ErrorCode::bad_input, fmt::format("field {} must be a whole number of at least 1, {}", name, shown(field)));
    return 0;
  }
  float number(const char* name, float fallback) {
    const Json* field = find(name);
    if (field == nullptr) return fallback;
    if (field->is_number()) return field->get<float>();
    refuse(ErrorCode::bad_input, fmt::format("field {} must be a number, {}", name, shown(field)));
    return fallback;
  }
  bool boolean(const char* name) {
    const Json* field = find(name);
    if (field == nullptr) return false;
    if (field->is_boolean()) return field->get<bool>();
    refuse(ErrorCode::bad_input, fmt::format("field {} must be true or false, {}", name, shown(field)));
    return false;
  }
  void unsupported(const char* name) {
    refuse(ErrorCode::unsupported, fmt::format("field {} is {}, which this version of Hone cannot run; it runs {}",
                                               name, clipped(to_text(*find(name)), 60), supported));
  }
  void refuse(ErrorCode code, const std::string& message) {
    if (!error_) error_ = Error{code, where_ + ": " + message};
  }
  bool failed() const { return error_.has_value(); }
  // The first error, where failed().
  Error error() const { return error_.value_or(Error{}); }

 private:
  static std::string shown(const Json* field) {
    return field == nullptr ? "but is missing" : "but is " + clipped(to_text(*field), 40);
  }
  const Json& json_;
  std::string where_;
  std::optional<Error> error_;
};

bool is_llama(const Json& json) {
  const auto architectures = json.find("architectures");
  if (architectures != json.end() && architectures->is_array() && !architectures->empty())
    return (*architectures)[0] == "LlamaForCausalLM";
  const auto type = json.find("model_type");
  return type != json.end() && *type == "llama";
}

// "default" or absent is the plain rotation; everything else scales.
bool is_plain_rope(const Json& rope) {
  for (const char* name : {"rope_type", "type"}) {
    const auto type = rope.find(name);
    if (type != rope.end() && !type->is_null() && *type != "default") return false;
  }
  const auto factor = rope.find("factor");
  return factor == rope.end() || factor->is_null() || *factor == 1;
}

float read_rope(Fields& fields, const std::string& where) {
  float base = fields.number("rope_theta", 10000.0F);
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    const Json* rope = fields.find(name);
    if (rope == nullptr) continue;
    if (!rope->is_object() || !is_plain_rope(*rope)) {
      fields.unsupported(name);
      continue;
    }
    Fields inner(*rope, where);
    base = inner.number("rope_theta", base);
    if (inner.number("partial_rotary_factor", 1) != 1) fields.unsupported(name);
    if (inner.failed()) fields.refuse(inner.error().code, fmt::format("field {}: rope_theta must be a number", name));
  }
  return base;
}

void check_what_the_decoder_lacks(Fields& fields) {
  for (const char* name : {"attention_bias", "mlp_bias"})
    if (fields.boolean(name)) fields.unsupported(name);
  const Json* activation = fields.find("hidden_act");
  if (activation != nullptr && *activation != "silu" && *activation != "swish") fields.unsupported("hidden_act");
  if (fields.find("quantization_config") != nullptr) fields.unsupported("quantization_config");
  if (fields.number("partial_rotary_factor", 1) != 1) fields.unsupported("partial_rotary_factor");
}

// Buffers that old checkpoints carry and that the decoder computes itself.
bool is_ignorable(const std::string& name) { return name.ends_with(".rotary_emb.inv_freq"); }

struct Shards {
  std::vector<SafetensorsFile> files;
  std::map<std::string, std::size_t, std::less<>> owner;  // tensor name -> index in files
};

Result<Shards> open_shards(const Path& folder) {
  const Result<std::vector<Path>> paths = weight_files(folder);
  if (!paths) return tl::unexpected<Error>(paths.error());
  Shards shards;
  for (const Path& path : *paths) {
    Result<SafetensorsFile> file = SafetensorsFile::open(path);
    if (!file) return tl::unexpected<Error>(file.error());
    for (const std::string& name : file->names())
      if (!shards.owner.emplace(name, shards.files.size()).second)
        return bad_input("{}: tensor '{}' stands in two of the folder's files", path.string(), printable(name));
    shards.files.push_back(std::move(*file));
  }
  return shards;
}

Result<void> check_all_known(const Shards& shards, const WeightsBuilder& builder, const Config& config,
                             const std::string& where) {
  std::set<std::string, std::less<>> known;
  for (const WeightsBuilder::Wanted& wanted : builder.wanted()) known.insert(wanted.name);
  // A tied head is sometimes stored a second time.
  if (config.tied_head) known.insert("lm_head.weight");
  for (const auto& [name, index] : shards.owner)
    if (!known.contains(name) && !is_ignorable(name))
      return make_error(ErrorCode::unsupported, "{}: tensor '{}' is not a part of a model that Hone can run ({})",
                        where, printable(name), supported);
  return {};
}

Result<tensor::Tensor> read_tensor(const Shards& shards, const WeightsBuilder::Wanted& wanted,
                                   const std::string& where) {
  const auto owner = shards.owner.find(wanted.name);
  if (owner == shards.owner.end()) return bad_input("{}: tensor {} is missing", where, wanted.name);
  const SafetensorsFile& file = shards.files[owner->second];
  const Result<tensor::ConstView> view = file.view(wanted.name);
  if (!view) return tl::unexpected<Error>(view.error());
  if (view->shape != wanted.shape)
    return bad_input("{}: tensor {} has the shape {}, expected {}", where, wanted.name, view->shape.text(),
                     wanted.shape.text());
  return file.f32(wanted.name);
}

}  // namespace

Result<Config> folder_config(const Json& json, const std::string& where) {
  if (!json.is_object()) return bad_input("{}: expected a JSON object", printable(where));
  if (!is_llama(json)) {
    const Json what = json.contains("architectures") ? json["architectures"] : json.value("model_type", Json());
    return make_error(ErrorCode::unsupported, "{}: architecture {} cannot be run by this version of Hone; it runs {}",
                      printable(where), clipped(to_text(what), 80), supported);
  }
  Fields fields(json, where);
  Config config;
  config.layers = fields.size("num_hidden_layers");
  config.width = fields.size("hidden_size");
  config.hidden = fields.size("intermediate_size");
  config.heads = fields.size("num_attention_heads");
  config.kv_heads = fields.size("num_key_value_heads", config.heads);
  config.head_width = fields.size("head_dim", config.heads > 0 ? config.width / config.heads : 0);
  config.vocabulary = fields.size("vocab_size");
  config.context = fields.size("max_position_embeddings", 2048);
  config.norm_epsilon = fields.number("rms_norm_eps", 1e-6F);
  config.rope_base = read_rope(fields, where);
  config.tied_head = fields.boolean("tie_word_embeddings");
  check_what_the_decoder_lacks(fields);
  if (fields.failed()) return tl::unexpected<Error>(fields.error());
  const Result<void> valid = check(config);
  if (!valid) return make_error(valid.error().code, "{}: {}", printable(where), valid.error().message);
  return config;
}

Result<std::vector<Path>> weight_files(const Path& folder) {
  const Path single = folder / "model.safetensors";
  if (std::filesystem::exists(single)) return std::vector<Path>{single};
  const Path index = folder / "model.safetensors.index.json";
  if (!std::filesystem::exists(index))
    return bad_input(
        "{}: neither model.safetensors nor model.safetensors.index.json is in it; other weight formats (.bin) "
        "are not read: convert them to safetensors",
        folder.string());
  const Result<std::string> text = read_file(index);
  if (!text) return tl::unexpected<Error>(text.error());
  const Result<Json> json = formats::parse_large_json(*text, index.string());
  if (!json) return tl::unexpected<Error>(json.error());
  if (!json->is_object() || !json->contains("weight_map") || !(*json)["weight_map"].is_object())
    return bad_input("{}: expected an object weight_map of tensor names and files", index.string());
  std::set<Path> files;
  for (const auto& [name, file] : (*json)["weight_map"].items()) {
    const std::string text_of = file.is_string() ? file.get<std::string>() : "";
    // A shard lies in the folder itself: nothing outside it is opened.
    if (text_of.empty() || text_of.find('/') != std::string::npos || text_of == "." || text_of == "..")
      return bad_input("{}: tensor '{}' lies in '{}', expected a file name", index.string(), printable(name),
                       printable(text_of));
    files.insert(folder / text_of);
  }
  return std::vector<Path>(files.begin(), files.end());
}

Result<Weights> load_folder(tensor::Exec& exec, const Path& folder) {
  const Path config_path = folder / "config.json";
  const Result<std::string> text = read_file(config_path);
  if (!text) return tl::unexpected<Error>(text.error());
  const Result<Json> json = parse_json(*text, config_path.string());
  if (!json) return tl::unexpected<Error>(json.error());
  const Result<Config> config = folder_config(*json, config_path.string());
  if (!config) return tl::unexpected<Error>(config.error());
  const Result<Shards> shards = open_shards(folder);
  if (!shards) return tl::unexpected<Error>(shards.error());
  Result<WeightsBuilder> builder = WeightsBuilder::make(*config);
  if (!builder) return tl::unexpected<Error>(builder.error());
  const Result<void> known = check_all_known(*shards, *builder, *config, printable(folder.string()));
  if (!known) return tl::unexpected<Error>(known.error());
  const std::vector<WeightsBuilder::Wanted> wanted = builder->wanted();
  std::vector<Result<tensor::Tensor>> read(wanted.size());
  exec.threads().for_slices(wanted.size(), 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) read[i] = read_tensor(*shards, wanted[i], printable(folder.string()));
  });
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!read[i]) return tl::unexpected<Error>(read[i].error());
    const Result<void> placed = builder->set(wanted[i].name, std::move(*read[i]));
    if (!placed) return tl::unexpected<Error>(placed.error());
  }
  return builder->finish();
}

}  // namespace hone::model
