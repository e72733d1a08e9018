// From tokenizer.json to a GGUF's vocabulary.
#include <algorithm>
#include <limits>
#include <map>

#include "base/terminal.h"
#include "model/export_tokenizer.h"
#include "model/export_tokenizer_scheme.h"

namespace hone::model {
namespace {

using text::GgufVocabulary;

enum Type : std::int32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }

bool is_byte_spelling(const std::string& text) {
  return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>');
}

Result<void> put(GgufVocabulary& words, const std::string& spelling, const Json& id, std::int32_t type) {
  const std::int64_t at = id.is_number_integer() ? id.get<std::int64_t>() : -1;
  if (at < 0 || at >= static_cast<std::int64_t>(words.tokens.size()))
    return bad_input("tokenizer.json: the token '{}' has the id {}, outside the embedding of {} rows",
                     clipped(spelling, 60), clipped(to_text(id), 30), words.tokens.size());
  // Gemma's tab has two spellings, "\t" and "<0x09>"; llama.cpp looks for the second.
  if (words.types[static_cast<std::size_t>(at)] == byte) return {};
  words.tokens[static_cast<std::size_t>(at)] = spelling;
  words.types[static_cast<std::size_t>(at)] = type;
  return {};
}

std::string merge_text(const Json& merge) {
  if (merge.is_string()) return merge.get<std::string>();
  if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) return {};
  return merge[0].get<std::string>() + " " + merge[1].get<std::string>();
}

// SentencePiece's order of merging as scores: a token that an earlier merge makes scores higher.
void score(GgufVocabulary& words, const Json& merges) {
  constexpr float never = -1e9F;
  std::map<std::string, float, std::less<>> scores;
  float next = 0;
  for (const Json& merge : merges) {
    std::string joined = merge_text(merge);
    const std::size_t space = joined.find(' ');
    if (space == std::string::npos) continue;
    joined.erase(space, 1);
    scores.emplace(std::move(joined), next);
    next -= 1;
  }
  for (const std::string& token : words.tokens) {
    const auto found = scores.find(token);
    words.scores.push_back(found == scores.end() ? never : found->second);
  }
}

Result<void> fill_scheme(const Json& json, GgufVocabulary& words) {
  const Json& model = member(json, "model");
  const std::string normalizer = to_text(member(json, "normalizer"));
  const Json& pre_tokenizer = member(json, "pre_tokenizer");
  const bool letters = is_true(member(model, "byte_fallback"));
  if (!letters) {
    Result<std::string> pre = gguf_pre_of(pre_tokenizer, member(json, "normalizer"));
    if (!pre) return tl::unexpected(pre.error());
    words.model = "gpt2";
    words.pre = *pre;
    for (const Json& merge : member(model, "merges")) words.merges.push_back(merge_text(merge));
    return {};
  }
  words.model = "llama";
  words.pre = "default";
  const Json& scheme = member(pre_tokenizer, "prepend_scheme");
  words.add_space_prefix = normalizer.find("\"Prepend\"") != std::string::npos ||
                           (scheme.is_string() && scheme != "never") ||
                           (scheme.is_null() && is_true(member(pre_tokenizer, "add_prefix_space")));
  score(words, member(model, "merges"));
  return {};
}

}  // namespace

Result<GgufVocabulary> gguf_words(const Json& tokenizer_json, const text::Tokenizer& opened, int rows) {
  const Json& model = member(tokenizer_json, "model");
  if (!member(model, "vocab").is_object()) return bad_input("tokenizer.json: \"model.vocab\" is not an object");
  GgufVocabulary words;
  words.tokens.resize(static_cast<std::size_t>(rows));
  words.types.assign(static_cast<std::size_t>(rows), unused);
  for (std::size_t id = 0; id < words.tokens.size(); ++id) words.tokens[id] = fmt::format("[PAD{}]", id);
  const bool letters = is_true(member(model, "byte_fallback"));
  for (const auto& [spelling, id] : model["vocab"].items()) {
    const std::int32_t type = letters && is_byte_spelling(spelling) ? byte : normal;
    if (const Result<void> done = put(words, spelling, id, type); !done) return tl::unexpected(done.error());
  }
  for (const Json& token : member(tokenizer_json, "added_tokens")) {
    const Json& content = member(token, "content");
    if (!content.is_string()) return bad_input("tokenizer.json: an added token has no content");
    const std::int32_t type = is_true(member(token, "special")) ? control : user_defined;
    if (const Result<void> done = put(words, content.get<std::string>(), member(token, "id"), type); !done)
      return tl::unexpected(done.error());
  }
  if (const Result<void> done = fill_scheme(tokenizer_json, words); !done) return tl::unexpected(done.error());
  const Json& unknown_token = member(model, "unk_token");
  if (unknown_token.is_string()) {
    const auto found = std::find(words.tokens.begin(), words.tokens.end(), unknown_token.get<std::string>());
    if (found != words.tokens.end()) words.unknown = static_cast<text::TokenId>(found - words.tokens.begin());
    if (words.unknown && letters) words.types[static_cast<std::size_t>(*words.unknown)] = unknown;
  }
  words.bos = opened.bos();
  words.eos = opened.eos();
  words.add_bos = opened.add_bos();
  return words;
}

}  // namespace hone::model
