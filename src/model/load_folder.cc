#include "model/load_folder.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/terminal.h"
#include "formats/large_json.h"
#include "formats/safetensors.h"
#include "model/export_names.h"
#include "model/nf4_folder.h"

namespace hone::model {
namespace {

using formats::SafetensorsFile;

// Buffers that old checkpoints carry and that the decoder computes itself.
bool is_ignorable(std::string_view name) { return name.ends_with(".rotary_emb.inv_freq"); }

// Gemma 3 models that also see images keep what sees them beside the text part.
bool sees_images(std::string_view name) {
  if (name.starts_with("model.")) name.remove_prefix(6);
  return name.starts_with("vision_tower.") || name.starts_with("multi_modal_projector.");
}

// A tensor's name in a folder of the text part alone.
std::string plain_name(std::string_view name) {
  for (const auto& [prefix, plain] : {std::pair<std::string_view, const char*>{"language_model.model.", "model."},
                                      {"language_model.lm_head.", "lm_head."},
                                      {"model.language_model.", "model."}}) {
    if (name.starts_with(prefix)) return plain + std::string(name.substr(prefix.size()));
  }
  return std::string(name);
}

struct Shards {
  struct Place {
    std::size_t file = 0;
    std::string name;  // as the file has it
  };
  std::vector<SafetensorsFile> files;
  std::map<std::string, Place, std::less<>> places;  // by plain name
};

Result<Shards> open_shards(const Path& folder, const Config& config) {
  const Result<std::vector<Path>> paths = weight_files(folder);
  if (!paths) return tl::unexpected<Error>(paths.error());
  const bool gemma = config.architecture == "gemma3";
  Shards shards;
  for (const Path& path : *paths) {
    Result<SafetensorsFile> file = SafetensorsFile::open(path);
    if (!file) return tl::unexpected<Error>(file.error());
    for (const std::string& name : file->names()) {
      if (is_ignorable(name) || (gemma && sees_images(name))) continue;
      if (!shards.places.try_emplace(gemma ? plain_name(name) : name, Shards::Place{shards.files.size(), name}).second)
        return bad_input("{}: tensor '{}' stands in two of the folder's files", path.string(), printable(name));
    }
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
  for (const auto& [name, place] : shards.places)
    if (!known.contains(name) && !known.contains(matrix_of_part(name)))
      return make_error(ErrorCode::unsupported,
                        "{}: tensor '{}' is not a part of a {} model as Hone knows it (it runs {})", where,
                        printable(place.name), config.architecture, supported_families());
  return {};
}

std::optional<tensor::GgmlType> type_of(tensor::DType dtype) {
  switch (dtype) {
    case tensor::DType::f32:
      return tensor::GgmlType::f32;
    case tensor::DType::f16:
      return tensor::GgmlType::f16;
    case tensor::DType::bf16:
      return tensor::GgmlType::bf16;
    default:
      return std::nullopt;
  }
}

// A matrix that bitsandbytes quantised.
Result<StoredTensor> stored_nf4(const Shards& shards, const WeightsBuilder::Wanted& wanted, const std::string& name,
                                const std::string& where) {
  const auto find = [&](const std::string& part) -> Result<tensor::ConstView> {
    const auto place = shards.places.find(part);
    if (place == shards.places.end()) return bad_input("{}: tensor {} is missing", where, part);
    return shards.files[place->second.file].view(place->second.name);
  };
  Result<ops::Nf4> values = read_nf4({wanted.name, where, wanted.shape, find});
  if (!values) return tl::unexpected<Error>(values.error());
  StoredTensor stored;
  stored.name = wanted.name;
  stored.file_name = name;
  stored.shape = wanted.shape;
  stored.nf4 = std::make_shared<ops::Nf4>(std::move(*values));
  return stored;
}

Result<StoredTensor> stored_tensor(const Shards& shards, const WeightsBuilder::Wanted& wanted, const Config& config,
                                   const std::string& where) {
  const auto place = shards.places.find(wanted.name);
  if (place == shards.places.end()) return bad_input("{}: tensor {} is missing", where, wanted.name);
  const SafetensorsFile& file = shards.files[place->second.file];
  const std::string& name = place->second.name;
  const Result<tensor::ConstView> view = file.view(name);
  if (!view) return tl::unexpected<Error>(view.error());
  if (shards.places.contains(wanted.name + ".quant_state.bitsandbytes__nf4"))
    return stored_nf4(shards, wanted, name, where);
  if (view->shape != wanted.shape) {
    const bool rows_are_tokens = wanted.name == "model.embed_tokens.weight" || wanted.name == "lm_head.weight";
    return bad_input("{}: tensor {} has the shape {}, expected {}{}", where, name, view->shape.text(),
                     wanted.shape.text(), rows_are_tokens ? " (vocab_size, hidden_size of config.json)" : "");
  }
  const std::optional<tensor::GgmlType> type = type_of(view->dtype);
  if (!type) {
    const Result<tensor::Tensor> refused = file.f32(name);
    return tl::unexpected<Error>(refused.error());
  }
  StoredTensor stored;
  stored.name = wanted.name;
  stored.file_name = name;
  stored.type = *type;
  stored.shape = view->shape;
  stored.bytes = {static_cast<const char*>(view->data),
                  static_cast<std::size_t>(view->shape.count()) * tensor::size_of(view->dtype)};
  stored.map = &file.map();
  stored.added = gguf_convention(config, wanted.name).added;  // the decoder wants what a GGUF file holds
  return stored;
}

}  // namespace

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
  std::map<std::string, std::string> files;  // and the first tensor in each
  for (const auto& [name, file] : (*json)["weight_map"].items()) {
    const std::string text_of = file.is_string() ? file.get<std::string>() : "";
    // A shard lies in the folder itself: nothing outside it is opened.
    if (text_of.empty() || text_of.find('/') != std::string::npos || text_of == "." || text_of == "..")
      return bad_input("{}: tensor '{}' lies in '{}', expected a file name", index.string(), printable(name),
                       printable(text_of));
    files.try_emplace(text_of, name);
  }
  std::vector<Path> paths;
  for (const auto& [file, tensor] : files) {
    paths.push_back(folder / file);
    if (!std::filesystem::exists(paths.back()))
      return bad_input("{}: the shard {}, which holds tensor '{}', is not in the folder; fetch it", index.string(),
                       printable(file), printable(tensor));
  }
  return paths;
}

namespace {

struct StoredFolder {
  Shards shards;
  StoredModel model;  // points into the shards
};

Result<StoredFolder> stored_folder(const Path& folder) {
  const Path config_path = folder / "config.json";
  const Result<std::string> text = read_file(config_path);
  if (!text) return tl::unexpected<Error>(text.error());
  const Result<Json> json = parse_json(*text, config_path.string());
  if (!json) return tl::unexpected<Error>(json.error());
  const Result<Config> config = folder_config(*json, config_path.string());
  if (!config) return tl::unexpected<Error>(config.error());
  Result<Shards> shards = open_shards(folder, *config);
  if (!shards) return tl::unexpected<Error>(shards.error());
  Result<WeightsBuilder> builder = WeightsBuilder::make(*config);
  if (!builder) return tl::unexpected<Error>(builder.error());
  const std::string where = printable(folder.string());
  const Result<void> known = check_all_known(*shards, *builder, *config, where);
  if (!known) return tl::unexpected<Error>(known.error());
  StoredFolder stored{.shards = std::move(*shards),
                      .model = {.config = *config, .builder = std::move(*builder), .tensors = {}}};
  for (const WeightsBuilder::Wanted& wanted : stored.model.builder.wanted()) {
    Result<StoredTensor> found = stored_tensor(stored.shards, wanted, *config, where);
    if (!found) return tl::unexpected<Error>(found.error());
    stored.model.tensors.push_back(std::move(*found));
  }
  return stored;
}

}  // namespace

Result<Weights> load_folder(tensor::Exec& exec, const Path& folder, Precision precision) {
  Result<StoredFolder> stored = stored_folder(folder);
  if (!stored) return tl::unexpected<Error>(stored.error());
  return load_stored(exec, std::move(stored->model), precision, printable(folder.string()));
}

Result<ModelSize> measure_folder(const Path& folder, Precision precision) {
  const Result<StoredFolder> stored = stored_folder(folder);
  if (!stored) return tl::unexpected<Error>(stored.error());
  return ModelSize{stored->model.config, kept_bytes(stored->model.tensors, precision)};
}

}  // namespace hone::model
