// Hugging Face's tokenizer.json and tokenizer_config.json.
#include <algorithm>
#include <limits>

#include "base/terminal.h"
#include "text/tokenizer.h"
#include "text/tokenizer_parts.h"

namespace hone::text {
namespace {

// Far above any real vocabulary; a larger id would only make a hostile file allocate.
constexpr std::int64_t most_tokens = 4'000'000;

const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }

std::string text_or_empty(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

tl::unexpected<Error> refused(std::string_view what, const Json& value) {
  return make_error(ErrorCode::unsupported, "tokenizer.json: {} {} is not supported; byte-level BPE is", what,
                    clipped(to_text(value), 120));
}

Result<void> put(TokenizerParts& parts, std::string spelling, const Json& id, TokenKind kind) {
  if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= most_tokens) {
    return bad_input("tokenizer.json: the token '{}' has the id {}; expected a whole number from 0 to {}",
                     clipped(spelling, 60), clipped(to_text(id), 30), most_tokens - 1);
  }
  const auto at = id.get<std::size_t>();
  if (at >= parts.spellings.size()) {
    parts.spellings.resize(at + 1);
    parts.kinds.resize(at + 1, TokenKind::unused);
  }
  parts.spellings[at] = std::move(spelling);
  parts.kinds[at] = kind;
  return {};
}

Result<void> read_model(const Json& model, TokenizerParts& parts) {
  const std::string type = text_or_empty(member(model, "type"));
  if (type != "BPE" && !(type.empty() && model.is_object() && model.contains("merges"))) {
    return refused("the model type", member(model, "type"));
  }
  if (is_true(member(model, "byte_fallback"))) return refused("byte_fallback =", member(model, "byte_fallback"));
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!text_or_empty(member(model, name)).empty()) return refused(name, member(model, name));
  }
  if (const Json& dropout = member(model, "dropout"); dropout.is_number() && dropout.get<double>() != 0) {
    return refused("dropout", dropout);
  }
  if (!member(model, "vocab").is_object()) return bad_input("tokenizer.json: \"model.vocab\" is not an object");
  for (const auto& [spelling, id] : model["vocab"].items()) {
    if (Result<void> done = put(parts, spelling, id, TokenKind::plain); !done) return done;
  }
  if (is_true(member(model, "ignore_merges"))) parts.whole_pieces = WholePieces::direct;
  for (const Json& merge : member(model, "merges")) {
    if (merge.is_string()) {
      parts.merges.push_back(split_merge(merge.get_ref<const std::string&>()));
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      parts.merges.emplace_back(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
    } else {
      return bad_input("tokenizer.json: a merge is {}; expected \"a b\" or [\"a\", \"b\"]",
                       clipped(to_text(merge), 60));
    }
  }
  return {};
}

Result<void> read_added(const Json& added, TokenizerParts& parts) {
  for (const Json& entry : added) {
    AddedToken token;
    token.spelling = text_or_empty(member(entry, "content"));
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
    if (std::all_of(token.spelling.begin(), token.spelling.end(), is_space)) {
      // Such tokens stand for runs of spaces in any text; here added tokens match in the template only.
      return refused("an added token of white space", entry);
    }
    token.lstrip = is_true(member(entry, "lstrip"));
    token.rstrip = is_true(member(entry, "rstrip"));
    token.single_word = is_true(member(entry, "single_word"));
    token.normalized = is_true(member(entry, "normalized"));
    const TokenKind kind = is_true(member(entry, "special")) ? TokenKind::control : TokenKind::added;
    if (Result<void> done = put(parts, token.spelling, member(entry, "id"), kind); !done) return done;
    token.id = entry["id"].get<TokenId>();
    parts.added.push_back(std::move(token));
  }
  return {};
}

Result<void> read_normalizer(const Json& normalizer, TokenizerParts& parts) {
  const std::string type = text_or_empty(member(normalizer, "type"));
  if (type == "NFC") {
    parts.normalization = Normalization::nfc;
  } else if (type == "Sequence") {
    for (const Json& entry : member(normalizer, "normalizers")) {
      if (Result<void> done = read_normalizer(entry, parts); !done) return done;
    }
  } else if (!normalizer.is_null()) {
    return refused("the normalizer", normalizer);
  }
  return {};
}

std::optional<TokenId> added_id(const TokenizerParts& parts, std::string_view spelling) {
  for (const AddedToken& token : parts.added) {
    if (token.spelling == spelling) return token.id;
  }
  return std::nullopt;
}

// The special token that the post-processor puts first, if it puts one.
std::optional<TokenId> leading_special(const Json& post_processor, const TokenizerParts& parts) {
  const std::string type = text_or_empty(member(post_processor, "type"));
  if (type == "Sequence") {
    for (const Json& entry : member(post_processor, "processors")) {
      if (const auto id = leading_special(entry, parts)) return id;
    }
  }
  const Json& single = member(post_processor, "single");
  if (type != "TemplateProcessing" || !single.is_array() || single.empty()) return std::nullopt;
  return added_id(parts, text_or_empty(member(member(single[0], "SpecialToken"), "id")));
}

// tokenizer_config.json gives a token as its spelling or as {"content": spelling}.
std::optional<TokenId> configured(const Json& config, const char* name, const TokenizerParts& parts) {
  const Json& value = member(config, name);
  return added_id(parts, text_or_empty(value.is_object() ? member(value, "content") : value));
}

}  // namespace

Result<Tokenizer> Tokenizer::from_json(const Json& tokenizer_json, const Json& config) {
  TokenizerParts parts;
  if (Result<void> done = read_model(member(tokenizer_json, "model"), parts); !done)
    return tl::unexpected(done.error());
  if (Result<void> done = read_added(member(tokenizer_json, "added_tokens"), parts); !done) {
    return tl::unexpected(done.error());
  }
  if (Result<void> done = read_normalizer(member(tokenizer_json, "normalizer"), parts); !done) {
    return tl::unexpected(done.error());
  }
  Result<PreTokenizer> pre = PreTokenizer::from_json(member(tokenizer_json, "pre_tokenizer"));
  if (!pre) return tl::unexpected(pre.error());
  parts.pre_tokenizer = std::move(*pre);
  const std::optional<TokenId> leading = leading_special(member(tokenizer_json, "post_processor"), parts);
  parts.bos = configured(config, "bos_token", parts);
  if (!parts.bos) parts.bos = leading;
  parts.eos = configured(config, "eos_token", parts);
  const Json& add_bos = member(config, "add_bos_token");
  parts.add_bos = add_bos.is_boolean() ? add_bos.get<bool>() : leading.has_value() && leading == parts.bos;
  return TokenizerParts::build(std::move(parts));
}

}  // namespace hone::text
