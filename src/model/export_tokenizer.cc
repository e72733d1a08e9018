// From a GGUF's vocabulary to tokenizer.json.
#include "model/export_tokenizer.h"

#include <algorithm>
#include <unordered_map>

#include "base/terminal.h"
#include "model/export_tokenizer_scheme.h"
#include "text/utf8.h"

namespace hone::model {
namespace {

using PlainJson = nlohmann::json;  // sorted keys: an ordered object of a whole vocabulary would take quadratic time
using text::GgufVocabulary;

enum Type : std::int32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

std::int32_t type_of(const GgufVocabulary& vocabulary, std::size_t id) {
  return vocabulary.types.empty() ? static_cast<std::int32_t>(normal) : vocabulary.types[id];
}

PlainJson added_tokens(const GgufVocabulary& vocabulary) {
  PlainJson added = PlainJson::array();
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::int32_t type = type_of(vocabulary, id);
    if (type != unknown && type != control && type != user_defined) continue;
    added.push_back({{"id", id},
                     {"content", vocabulary.tokens[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", type != user_defined}});
  }
  return added;
}

PlainJson vocabulary_json(const GgufVocabulary& vocabulary) {
  PlainJson all = PlainJson::object();
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (type_of(vocabulary, id) != unused) all[vocabulary.tokens[id]] = id;
  return all;
}

PlainJson listed_merges(const GgufVocabulary& vocabulary) {
  PlainJson merges = PlainJson::array();
  for (const std::string& merge : vocabulary.merges) {
    const std::size_t space = merge.find(' ', 1);
    if (space != std::string::npos) merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  return merges;
}

// Every two tokens that are one together, that of the highest score first: what SentencePiece does with its scores.
PlainJson scored_merges(const GgufVocabulary& vocabulary) {
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (type_of(vocabulary, id) == normal) ids.emplace(vocabulary.tokens[id], id);
  struct Merge {
    float score;
    std::string_view left, right;
  };
  std::vector<Merge> found;
  for (const auto& [spelling, id] : ids) {
    for (std::size_t cut = text::code_point_at(spelling, 0).length; cut < spelling.size();
         cut += text::code_point_at(spelling, cut).length) {
      const auto left = ids.find(spelling.substr(0, cut));
      const auto right = ids.find(spelling.substr(cut));
      if (left != ids.end() && right != ids.end()) found.push_back({vocabulary.scores[id], left->first, right->first});
    }
  }
  std::sort(found.begin(), found.end(), [](const Merge& a, const Merge& b) {
    if (a.score != b.score) return a.score > b.score;
    if (a.left.size() != b.left.size()) return a.left.size() > b.left.size();
    return std::tie(a.left, a.right) < std::tie(b.left, b.right);
  });
  PlainJson merges = PlainJson::array();
  for (const Merge& merge : found) merges.push_back({merge.left, merge.right});
  return merges;
}

PlainJson model_json(const GgufVocabulary& vocabulary) {
  const bool letters = vocabulary.model == "llama";
  PlainJson model = {{"type", "BPE"},
                     {"dropout", nullptr},
                     {"unk_token", nullptr},
                     {"continuing_subword_prefix", nullptr},
                     {"end_of_word_suffix", nullptr},
                     {"fuse_unk", letters},
                     {"byte_fallback", letters},
                     {"ignore_merges", !letters && vocabulary.pre.starts_with("llama")}};
  if (letters && vocabulary.unknown)
    model["unk_token"] = vocabulary.tokens[static_cast<std::size_t>(*vocabulary.unknown)];
  model["vocab"] = vocabulary_json(vocabulary);
  model["merges"] = letters ? scored_merges(vocabulary) : listed_merges(vocabulary);
  return model;
}

// Puts BOS before the text, where the tokenizer does.
PlainJson post_processor(const GgufVocabulary& vocabulary) {
  if (!vocabulary.add_bos || !vocabulary.bos) return nullptr;
  const std::string& bos = vocabulary.tokens[static_cast<std::size_t>(*vocabulary.bos)];
  const auto special = [&](int type) { return PlainJson{{"SpecialToken", {{"id", bos}, {"type_id", type}}}}; };
  const auto sequence = [](const char* name, int type) {
    return PlainJson{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", {special(0), sequence("A", 0)}},
          {"pair", {special(0), sequence("A", 0), special(1), sequence("B", 1)}},
          {"special_tokens", {{bos, {{"id", bos}, {"ids", {*vocabulary.bos}}, {"tokens", {bos}}}}}}};
}

}  // namespace

Result<TokenizerFiles> hugging_face_tokenizer(const GgufVocabulary& vocabulary, const TokenIds& ids) {
  const Result<TokenizerScheme> scheme = scheme_of(vocabulary);
  if (!scheme) return tl::unexpected(scheme.error());
  PlainJson json = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json["added_tokens"] = added_tokens(vocabulary);
  json["normalizer"] = scheme->normalizer;
  json["pre_tokenizer"] = scheme->pre_tokenizer;
  json["post_processor"] = post_processor(vocabulary);
  json["decoder"] = scheme->decoder;
  json["model"] = model_json(vocabulary);
  TokenizerFiles files;
  files.tokenizer_json = json.dump(-1, ' ', false, PlainJson::error_handler_t::replace);
  const auto spelled = [&](const std::optional<text::TokenId>& id) {
    return id ? Json(vocabulary.tokens[static_cast<std::size_t>(*id)]) : Json();
  };
  const std::optional<text::TokenId> end = ids.ends.empty() ? vocabulary.eos : std::optional(ids.ends.front());
  files.config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                  {"bos_token", spelled(vocabulary.bos)},
                  {"eos_token", spelled(end)},
                  {"pad_token", spelled(vocabulary.padding ? vocabulary.padding : end)},
                  {"unk_token", spelled(vocabulary.unknown)},
                  {"add_bos_token", vocabulary.add_bos && vocabulary.bos},
                  {"clean_up_tokenization_spaces", false}};
  return files;
}

formats::GgufMetadata gguf_tokenizer_keys(const GgufVocabulary& vocabulary, const TokenIds& ids) {
  formats::GgufMetadata keys;
  keys["tokenizer.ggml.model"] = vocabulary.model;
  keys["tokenizer.ggml.pre"] = vocabulary.pre;
  keys["tokenizer.ggml.tokens"] = vocabulary.tokens;
  keys["tokenizer.ggml.token_type"] = std::vector<std::int64_t>(vocabulary.types.begin(), vocabulary.types.end());
  keys["tokenizer.ggml.add_bos_token"] = vocabulary.add_bos;
  if (vocabulary.model == "llama") {
    keys["tokenizer.ggml.scores"] = std::vector<double>(vocabulary.scores.begin(), vocabulary.scores.end());
    keys["tokenizer.ggml.add_space_prefix"] = vocabulary.add_space_prefix;
  } else {
    keys["tokenizer.ggml.merges"] = vocabulary.merges;
  }
  const auto put = [&](const char* name, const std::optional<text::TokenId>& id) {
    if (id) keys[fmt::format("tokenizer.ggml.{}_token_id", name)] = static_cast<std::uint64_t>(*id);
  };
  const std::optional<text::TokenId> eos = vocabulary.eos || ids.ends.empty() ? vocabulary.eos : ids.ends.front();
  put("bos", vocabulary.bos);
  put("eos", eos);
  put("unknown", vocabulary.unknown);
  put("padding", vocabulary.padding);
  put("eot", vocabulary.eot);
  for (const text::TokenId end : ids.ends)
    if (end != eos && !keys.contains("tokenizer.ggml.eot_token_id")) put("eot", end);
  return keys;
}

}  // namespace hone::model
