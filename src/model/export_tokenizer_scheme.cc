#include "model/export_tokenizer_scheme.h"

#include <array>

#include "base/terminal.h"

namespace hone::model {
namespace {

constexpr const char* mark = "\xE2\x96\x81";  // U+2581: SentencePiece's space

constexpr const char* qwen2_regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* llama3_regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

enum class ByteLevelRegex { own, none };

Json byte_level(ByteLevelRegex regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", regex == ByteLevelRegex::own}};
}

Json sequence_of(Json first, Json second) {
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({std::move(first), std::move(second)})}};
}

Json split_by(const char* regex) {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}

struct ByteScheme {
  const char* pre;
  Json normalizer;
  Json pre_tokenizer;
};

std::array<ByteScheme, 4> byte_schemes() {
  const Json nfc = {{"type", "NFC"}};
  return {{{"smollm", nullptr,
            sequence_of({{"type", "Digits"}, {"individual_digits", true}}, byte_level(ByteLevelRegex::own))},
           {"qwen2", nfc, sequence_of(split_by(qwen2_regex), byte_level(ByteLevelRegex::none))},
           {"llama-bpe", nullptr, sequence_of(split_by(llama3_regex), byte_level(ByteLevelRegex::none))},
           {"gpt-2", nullptr, byte_level(ByteLevelRegex::own)}}};
}

std::string known_name(const std::string& pre) {
  if (pre == "deepseek-r1-qwen") return "qwen2";
  if (pre == "llama3" || pre == "llama-v3") return "llama-bpe";
  return pre == "gpt2" ? "gpt-2" : pre;
}

TokenizerScheme letters_scheme(const text::GgufVocabulary& vocabulary) {
  const Json marks = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}};
  const Json spaces = {{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}};
  TokenizerScheme scheme;
  scheme.normalizer = marks;
  Json decoders = Json::array({spaces, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (vocabulary.add_space_prefix) {
    scheme.normalizer = {{"type", "Sequence"},
                         {"normalizers", Json::array({{{"type", "Prepend"}, {"prepend", mark}}, marks})}};
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  scheme.decoder = {{"type", "Sequence"}, {"decoders", decoders}};
  return scheme;
}

// The fields that decide where a text is cut, so that files of different ages compare.
Json essence(const Json& json) {
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& item : json) out.push_back(essence(item));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  const bool is_byte_level = json.value("type", Json()) == "ByteLevel";
  for (const auto& [key, value] : json.items())
    if (key != "trim_offsets") out[key] = essence(value);
  if (is_byte_level && !out.contains("use_regex")) out["use_regex"] = true;
  return out;
}

bool same(const Json& a, const Json& b) { return nlohmann::json(essence(a)) == nlohmann::json(essence(b)); }

}  // namespace

Result<TokenizerScheme> scheme_of(const text::GgufVocabulary& vocabulary) {
  if (vocabulary.model == "llama") return letters_scheme(vocabulary);
  const std::string name = known_name(vocabulary.pre);
  for (const ByteScheme& scheme : byte_schemes())
    if (name == scheme.pre)
      return TokenizerScheme{scheme.normalizer, scheme.pre_tokenizer, byte_level(ByteLevelRegex::own)};
  return make_error(ErrorCode::unsupported,
                    "the base's tokenizer is of kind '{}' with the pre-tokenizer '{}', for which Hone cannot write a "
                    "tokenizer.json; export with --format gguf",
                    printable(vocabulary.model), printable(vocabulary.pre));
}

Result<std::string> gguf_pre_of(const Json& pre_tokenizer, const Json& normalizer) {
  for (const ByteScheme& scheme : byte_schemes())
    if (same(scheme.pre_tokenizer, pre_tokenizer) && same(scheme.normalizer, normalizer)) return scheme.pre;
  return make_error(
      ErrorCode::unsupported,
      "tokenizer.json: llama.cpp has no name for this pre-tokenizer, or Hone does not know it: {}; export "
      "with --format hf",
      clipped(to_text(pre_tokenizer), 200));
}

}  // namespace hone::model
