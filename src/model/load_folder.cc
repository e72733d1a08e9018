#include "model/load_folder.h"

#include <map>
#include <set>
#include <utility>

#include "base/terminal.h"
#include "formats/large_json.h"
#include "formats/safetensors.h"
#include "model/finite.h"

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
    if (!known.contains(name))
      return make_error(ErrorCode::unsupported,
                        "{}: tensor '{}' is not a part of a {} model as Hone knows it (it runs {})", where,
                        printable(place.name), config.architecture, supported_families());
  return {};
}

// Gemma's norms multiply by 1 + what the folder holds.
void add_one(tensor::Tensor& values) {
  for (std::int64_t i = 0; i < values.shape().count(); ++i) values.f32()[i] += 1.0F;
}

Result<tensor::Tensor> read_tensor(const Shards& shards, const WeightsBuilder::Wanted& wanted, const Config& config,
                                   const std::string& where) {
  const auto place = shards.places.find(wanted.name);
  if (place == shards.places.end()) return bad_input("{}: tensor {} is missing", where, wanted.name);
  const SafetensorsFile& file = shards.files[place->second.file];
  const std::string& name = place->second.name;
  const Result<tensor::ConstView> view = file.view(name);
  if (!view) return tl::unexpected<Error>(view.error());
  if (view->shape != wanted.shape) {
    const bool rows_are_tokens = wanted.name == "model.embed_tokens.weight" || wanted.name == "lm_head.weight";
    return bad_input("{}: tensor {} has the shape {}, expected {}{}", where, name, view->shape.text(),
                     wanted.shape.text(), rows_are_tokens ? " (vocab_size, hidden_size of config.json)" : "");
  }
  Result<tensor::Tensor> values = file.f32(name);
  if (values && config.architecture == "gemma3" && name.ends_with("norm.weight")) add_one(*values);
  return values;
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

Result<Weights> load_folder(tensor::Exec& exec, const Path& folder) {
  const Path config_path = folder / "config.json";
  const Result<std::string> text = read_file(config_path);
  if (!text) return tl::unexpected<Error>(text.error());
  const Result<Json> json = parse_json(*text, config_path.string());
  if (!json) return tl::unexpected<Error>(json.error());
  const Result<Config> config = folder_config(*json, config_path.string());
  if (!config) return tl::unexpected<Error>(config.error());
  const Result<Shards> shards = open_shards(folder, *config);
  if (!shards) return tl::unexpected<Error>(shards.error());
  Result<WeightsBuilder> builder = WeightsBuilder::make(*config);
  if (!builder) return tl::unexpected<Error>(builder.error());
  const std::string where = printable(folder.string());
  const Result<void> known = check_all_known(*shards, *builder, *config, where);
  if (!known) return tl::unexpected<Error>(known.error());
  const std::vector<WeightsBuilder::Wanted> wanted = builder->wanted();
  std::vector<Result<tensor::Tensor>> read(wanted.size());
  exec.threads().for_slices(wanted.size(), 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) read[i] = read_tensor(*shards, wanted[i], *config, where);
  });
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!read[i]) return tl::unexpected<Error>(read[i].error());
    const Result<void> finite = check_finite(exec, std::as_const(*read[i]).view(), wanted[i].name, where);
    if (!finite) return tl::unexpected<Error>(finite.error());
    const Result<void> placed = builder->set(wanted[i].name, std::move(*read[i]));
    if (!placed) return tl::unexpected<Error>(placed.error());
  }
  return builder->finish();
}

}  // namespace hone::model
