#include "model/model.h"

#include <limits>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/terminal.h"
#include "formats/large_json.h"
#include "model/catalogue.h"
#include "model/file_hash.h"
#include "model/load_folder.h"
#include "model/load_gguf.h"

namespace hone::model {
namespace {

struct Template {
  text::ChatTemplate parsed;
  bool is_default = false;
};

Template parse_template(const std::string* source, const std::string& where) {
  if (source == nullptr || source->empty()) return {text::ChatTemplate::chatml(), true};
  Result<text::ChatTemplate> parsed = text::ChatTemplate::parse(*source);
  if (!parsed) fail(parsed.error().code, "{}: chat template: {}", printable(where), parsed.error().message);
  return {std::move(*parsed), false};
}

std::shared_ptr<const Decoder> make_decoder(Weights weights) {
  return std::make_shared<const Decoder>(std::make_shared<const Weights>(std::move(weights)));
}

text::Tokenizer checked(Result<text::Tokenizer> tokenizer, const std::string& where) {
  if (!tokenizer) fail(tokenizer.error().code, "{}: tokenizer: {}", printable(where), tokenizer.error().message);
  return std::move(*tokenizer);
}

// An id the embedding has no row for would be read out of bounds.
void check_fits(const text::Tokenizer& tokenizer, const Decoder& decoder, const std::string& where) {
  if (tokenizer.vocabulary_size() <= static_cast<std::size_t>(decoder.config().vocabulary)) return;
  fail(ErrorCode::bad_input, "{}: the tokenizer has {} tokens, but the embedding only {} rows", printable(where),
       tokenizer.vocabulary_size(), decoder.config().vocabulary);
}

// A model whose answers never end can be neither trained nor asked.
void check_ends(const text::Tokenizer& tokenizer, const std::string& where, const char* fields) {
  if (tokenizer.end_of_turn().empty())
    fail(ErrorCode::bad_input, "{}: the tokenizer has no end token ({}), so an answer would never end",
         printable(where), fields);
}

Model open_gguf(tensor::Exec& exec, const Path& path, Parts parts, Precision precision) {
  const std::string where = path.string();
  const formats::GgufFile file = value_or_throw(formats::GgufFile::open(path));
  std::shared_ptr<const Decoder> decoder;
  if (parts == Parts::everything) decoder = make_decoder(value_or_throw(load_gguf(exec, file, where, precision)));
  text::Tokenizer tokenizer = checked(text::Tokenizer::from_gguf(value_or_throw(gguf_vocabulary(file, where))), where);
  if (decoder) check_fits(tokenizer, *decoder, where);
  if (decoder) check_ends(tokenizer, where, "tokenizer.ggml.eos_token_id");
  Template chat = parse_template(file.string("tokenizer.chat_template"), where);
  return {.name = where,
          .path = path,
          .sha256 = value_or_throw(remembered_sha256(path)),
          .decoder = std::move(decoder),
          .tokenizer = std::move(tokenizer),
          .chat_template = std::move(chat.parsed),
          .default_template = chat.is_default,
          .precision = precision};
}

// chat_template.jinja comes before tokenizer_config.json's chat_template, as in transformers: a text, or a list of
// named templates of which "default" counts.
Template folder_template(const Path& folder, const Json& config) {
  const Path path = folder / "chat_template.jinja";
  if (std::filesystem::exists(path)) {
    const std::string source = value_or_throw(read_file(path));
    return parse_template(&source, path.string());
  }
  const std::string where = (folder / "tokenizer_config.json").string();
  if (!config.is_object() || !config.contains("chat_template")) return parse_template(nullptr, where);
  const Json& field = config["chat_template"];
  std::string source;
  if (field.is_string()) source = field.get<std::string>();
  if (field.is_array()) {
    for (const Json& item : field)
      if (item.is_object() && item.contains("name") && item["name"] == "default" && item.contains("template") &&
          item["template"].is_string())
        source = item["template"].get<std::string>();
  }
  if (source.empty() && !field.is_null() && !(field.is_array() && field.empty()))
    fail(ErrorCode::bad_input, "{}: chat_template must be a text, or a list with a template named \"default\"", where);
  return parse_template(&source, where);
}

// Ids of a folder's generation_config.json that end a turn: its eos_token_id, one or a list. None where it has no such
// file.
std::vector<text::TokenId> generation_ends(const Path& folder) {
  const Path path = folder / "generation_config.json";
  if (!std::filesystem::exists(path)) return {};
  const Json config = value_or_throw(parse_json(value_or_throw(read_file(path)), path.string()));
  const auto field = config.is_object() ? config.find("eos_token_id") : config.end();
  if (!config.is_object() || field == config.end() || field->is_null()) return {};
  std::vector<text::TokenId> ids;
  for (const Json& id : field->is_array() ? *field : Json::array({*field})) {
    if (!id.is_number_integer() || id < 0 || id > std::numeric_limits<text::TokenId>::max())
      fail(ErrorCode::bad_input, "{}: field eos_token_id must be a token id or a list of them, but is {}",
           path.string(), clipped(to_text(*field), 40));
    ids.push_back(id.get<text::TokenId>());
  }
  return ids;
}

// One file: its hash. Several: the hash of a line "hash  name" for each, in name order.
std::string folder_sha256(const Path& folder) {
  const Result<std::vector<Path>> files = weight_files(folder);
  if (!files) return "";
  std::string lines;
  for (const Path& file : *files) {
    std::string hash = value_or_throw(remembered_sha256(file));
    if (files->size() == 1) return hash;
    lines += fmt::format("{}  {}\n", hash, file.filename().string());
  }
  return sha256_hex(lines);
}

Model open_folder(tensor::Exec& exec, const Path& folder, Parts parts, Precision precision) {
  std::shared_ptr<const Decoder> decoder;
  if (parts == Parts::everything) decoder = make_decoder(value_or_throw(load_folder(exec, folder, precision)));
  const Path json_path = folder / "tokenizer.json";
  const std::string json_text = value_or_throw(read_file(json_path));
  const Json json = value_or_throw(formats::parse_large_json(json_text, json_path.string()));
  const Path config_path = folder / "tokenizer_config.json";
  Json config;
  if (std::filesystem::exists(config_path))
    config = value_or_throw(formats::parse_large_json(value_or_throw(read_file(config_path)), config_path.string()));
  text::Tokenizer tokenizer = checked(text::Tokenizer::from_json(json, config), json_path.string());
  tokenizer.add_end_of_turn(generation_ends(folder));
  if (decoder) check_fits(tokenizer, *decoder, json_path.string());
  if (decoder)
    check_ends(tokenizer, folder.string(),
               "eos_token of tokenizer_config.json, eos_token_id of generation_config.json");
  Template chat = folder_template(folder, config);
  return {.name = folder.string(),
          .path = folder,
          .sha256 = folder_sha256(folder),
          .decoder = std::move(decoder),
          .tokenizer = std::move(tokenizer),
          .chat_template = std::move(chat.parsed),
          .default_template = chat.is_default,
          .precision = precision};
}

// Where a catalogue entry's file lies, once it is there and whole.
Path checked_path(const CatalogueEntry& entry, Parts parts) {
  if (parts == Parts::everything && !entry.runs())
    fail(ErrorCode::unsupported, "{} is a {} model, which this version of Hone cannot run; it runs {}", entry.name,
         entry.architecture, supported_families());
  if (!is_cached(entry))
    fail(ErrorCode::environment, "model {} is not here yet; fetch it with `hone models pull {}`", entry.name,
         entry.name);
  // The hash comes first: a damaged file should be called that, whatever its damage would be mistaken for.
  const std::string hash = value_or_throw(remembered_sha256(cached_path(entry)));
  if (!entry.sha256.empty() && hash != entry.sha256)
    fail(ErrorCode::bad_input, "{}: the file's SHA-256 is {}, expected {}; fetch it again with `hone models pull {}`",
         cached_path(entry).string(), hash, entry.sha256, entry.name);
  return cached_path(entry);
}

// What MODEL names.
struct Located {
  const CatalogueEntry* entry = nullptr;  // of the catalogue
  Path path;
  bool is_folder = false;
};

// The one .gguf file of a folder; empty where there is none, or several.
Path gguf_in(const Path& folder) {
  Path found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".gguf") continue;
    if (!found.empty()) return {};
    found = entry.path();
  }
  return found;
}

Located locate(const std::string& model, Parts parts) {
  if (const CatalogueEntry* entry = find_in_catalogue(model)) return {entry, checked_path(*entry, parts), false};
  const Path path(model);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    if (std::filesystem::exists(path / (parts == Parts::everything ? "config.json" : "tokenizer.json"), error))
      return {nullptr, path, true};
    const Path inside = gguf_in(path);
    fail(ErrorCode::bad_input, "{}: not a model folder: no {} in it{}", printable(model),
         parts == Parts::everything ? "config.json" : "tokenizer.json",
         inside.empty() ? "" : fmt::format("; name the file in it: {}", printable(inside.string())));
  }
  if (std::filesystem::exists(path, error)) return {nullptr, path, false};
  std::string names;
  for (const CatalogueEntry& known : catalogue()) names += (names.empty() ? "" : ", ") + known.name;
  fail(ErrorCode::bad_input, "no model '{}': expected a .gguf file, a folder with config.json, or one of {}",
       printable(model), names);
}

}  // namespace

Model open_model(tensor::Exec& exec, const std::string& model, Parts parts, Precision precision) {
  const Located located = locate(model, parts);
  precision = chosen_precision(precision);
  Model opened = located.is_folder ? open_folder(exec, located.path, parts, precision)
                                   : open_gguf(exec, located.path, parts, precision);
  if (located.entry != nullptr) opened.name = located.entry->name;
  return opened;
}

ModelSize measure_model(const std::string& model, Precision precision) {
  const Located located = locate(model, Parts::everything);
  if (located.is_folder) return value_or_throw(measure_folder(located.path, precision));
  const std::string where = located.path.string();
  const formats::GgufFile file = value_or_throw(formats::GgufFile::open(located.path));
  const StoredModel stored = value_or_throw(stored_gguf(file, where));
  return {stored.config, kept_bytes(stored.tensors, precision)};
}

}  // namespace hone::model
