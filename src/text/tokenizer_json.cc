// Hugging Face's tokenizer.json and tokenizer_config.json.
#include <algorithm>
#include <limits>

#include "base/terminal.h"
#include "text/tokenizer.h"
#include "text/tokenizer_parts.h"

namespace hone::text {
namespace {

const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }

std::string text_or_empty(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

tl::unexpected<Error> refused(std::string_view what, const Json& value) {
  return make_error(ErrorCode::unsupported,
                    "tokenizer.json: {} {} is not supported; byte-level BPE and SentencePiece BPE are", what,
                    clipped(to_text(value), 120));
}

// Ids may have holes, but a file of few tokens with a huge id would only make the reader allocate.
std::int64_t ids_allowed(const Json& tokenizer_json) {
  const auto tokens =
      member(member(tokenizer_json, "model"), "vocab").size() + member(tokenizer_json, "added_tokens").size();
  return 4096 + 4 * static_cast<std::int64_t>(tokens);
}

struct Ids {
  TokenizerParts& parts;
  std::int64_t allowed;
};

Result<void> put(const Ids& ids, std::string spelling, const Json& id, TokenKind kind) {
  if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= ids.allowed) {
    return bad_input("tokenizer.json: the token '{}' has the id {}; expected a whole number from 0 to {}",
                     clipped(spelling, 60), clipped(to_text(id), 30), ids.allowed - 1);
  }
  TokenizerParts& parts = ids.parts;
  const auto at = id.get<std::size_t>();
  if (at >= parts.spellings.size()) {
    parts.spellings.resize(at + 1);
    parts.kinds.resize(at + 1, TokenKind::unused);
  }
  if (parts.kinds[at] == TokenKind::unused) {
    parts.spellings[at] = std::move(spelling);
    parts.kinds[at] = kind;
  } else if (parts.spellings[at] == spelling) {
    parts.kinds[at] = kind;
  } else if (kind == TokenKind::plain) {
    // Gemma's tab is such a one: "\t" and "<0x09>".
    parts.further_spellings.emplace_back(std::move(spelling), static_cast<TokenId>(at));
  } else {
    return bad_input("tokenizer.json: the tokens '{}' and '{}' have the same id {}", clipped(parts.spellings[at], 60),
                     clipped(spelling, 60), at);
  }
  return {};
}

// What of a model would change ids in ways not known here.
Result<void> check_model(const Json& model) {
  const std::string type = text_or_empty(member(model, "type"));
  if (type != "BPE" && !(type.empty() && model.is_object() && model.contains("merges"))) {
    return refused("the model type", member(model, "type"));
  }
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!text_or_empty(member(model, name)).empty()) return refused(name, member(model, name));
  }
  if (const Json& dropout = member(model, "dropout"); dropout.is_number() && dropout.get<double>() != 0) {
    return refused("dropout", dropout);
  }
  if (!member(model, "vocab").is_object()) return bad_input("tokenizer.json: \"model.vocab\" is not an object");
  return {};
}

Result<void> read_model(const Json& model, const Ids& ids) {
  if (Result<void> done = check_model(model); !done) return done;
  for (const auto& [spelling, id] : model["vocab"].items()) {
    if (Result<void> done = put(ids, spelling, id, TokenKind::plain); !done) return done;
  }
  TokenizerParts& parts = ids.parts;
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

Result<void> read_added(const Json& added, const Ids& ids) {
  for (const Json& entry : added) {
    AddedToken token;
    token.spelling = text_or_empty(member(entry, "content"));
    const bool special = is_true(member(entry, "special"));
    // A special token of nothing but white space could be forged by any text.
    if (token.spelling.empty() || (special && is_blank(token.spelling))) {
      return refused("the added token", entry);
    }
    token.lstrip = is_true(member(entry, "lstrip"));
    token.rstrip = is_true(member(entry, "rstrip"));
    token.single_word = is_true(member(entry, "single_word"));
    token.normalized = is_true(member(entry, "normalized"));
    token.anywhere = is_blank(token.spelling);
    const TokenKind kind = special ? TokenKind::control : TokenKind::added;
    if (Result<void> done = put(ids, token.spelling, member(entry, "id"), kind); !done) return done;
    token.id = entry["id"].get<TokenId>();
    ids.parts.added.push_back(std::move(token));
  }
  return {};
}

bool is_mark(const Json& text) { return text.is_string() && text.get_ref<const std::string&>() == space_mark; }

Result<void> read_normalizer(const Json& normalizer, TokenizerParts& parts) {
  const std::string type = text_or_empty(member(normalizer, "type"));
  if (type == "NFC" && !parts.normalizer.reads_marks && !parts.normalizer.prepends) {
    parts.normalizer.composes = true;
  } else if (type == "Prepend" && is_mark(member(normalizer, "prepend"))) {
    parts.normalizer.prepends = true;
  } else if (type == "Replace" && text_or_empty(member(member(normalizer, "pattern"), "String")) == " " &&
             is_mark(member(normalizer, "content"))) {
    parts.normalizer.reads_marks = true;
  } else if (type == "Sequence") {
    for (const Json& entry : member(normalizer, "normalizers")) {
      if (Result<void> done = read_normalizer(entry, parts); !done) return done;
    }
  } else if (!normalizer.is_null()) {
    return refused("the normalizer", normalizer);
  }
  return {};
}

Result<void> read_metaspace(const Json& entry, TokenizerParts& parts) {
  if (!is_mark(member(entry, "replacement"))) return refused("the pre-tokenizer", entry);
  const Json& split = member(entry, "split");
  parts.splits_at_spaces = !split.is_boolean() || split.get<bool>();
  std::string scheme = text_or_empty(member(entry, "prepend_scheme"));
  // Files from before prepend_scheme say add_prefix_space.
  if (scheme.empty()) scheme = is_true(member(entry, "add_prefix_space")) ? "always" : "never";
  if (scheme == "always") {
    parts.prefix = SpacePrefix::missing;
  } else if (scheme == "first") {
    parts.prefix = SpacePrefix::missing_at_start;
  } else if (scheme != "never") {
    return refused("the pre-tokenizer", entry);
  }
  return {};
}

// A model of letters has no pre-tokenizer, Metaspace, or Gemma's split at spaces, of which its normalizer leaves none.
Result<void> read_letters_scheme(const Json& pre_tokenizer, TokenizerParts& parts) {
  parts.alphabet = Alphabet::letters;
  if (parts.whole_pieces == WholePieces::direct) return refused("ignore_merges in a SentencePiece model:", true);
  const std::string type = text_or_empty(member(pre_tokenizer, "type"));
  const bool splits_nothing = type == "Split" && parts.normalizer.reads_marks &&
                              text_or_empty(member(member(pre_tokenizer, "pattern"), "String")) == " ";
  if (type == "Metaspace") {
    if (Result<void> done = read_metaspace(pre_tokenizer, parts); !done) return done;
  } else if (!pre_tokenizer.is_null() && !splits_nothing) {
    return refused("the pre-tokenizer", pre_tokenizer);
  } else if (!parts.normalizer.reads_marks) {
    return refused("a tokenizer that marks no spaces, with the pre-tokenizer", pre_tokenizer);
  }
  return {};
}

// With byte_fallback tokens such as <0x0A> stand for bytes; a further spelling of one is the letter of that byte.
void name_bytes(TokenizerParts& parts) {
  for (auto& [spelling, id] : parts.further_spellings) {
    if (byte_of_spelling(spelling)) std::swap(spelling, parts.spellings[static_cast<std::size_t>(id)]);
  }
  for (std::size_t id = 0; id < parts.spellings.size(); ++id) {
    if (parts.kinds[id] == TokenKind::plain && byte_of_spelling(parts.spellings[id])) parts.kinds[id] = TokenKind::byte;
  }
}

// SentencePiece's spellings: bytes as <0x0A>, spaces as marks.
bool has_letters(const Json& tokenizer_json, const TokenizerParts& parts) {
  return is_true(member(member(tokenizer_json, "model"), "byte_fallback")) || parts.normalizer.reads_marks ||
         parts.normalizer.prepends ||
         text_or_empty(member(member(tokenizer_json, "pre_tokenizer"), "type")) == "Metaspace";
}

Result<void> read_scheme(const Json& tokenizer_json, TokenizerParts& parts) {
  const Json& pre_tokenizer = member(tokenizer_json, "pre_tokenizer");
  if (has_letters(tokenizer_json, parts)) {
    if (is_true(member(member(tokenizer_json, "model"), "byte_fallback"))) name_bytes(parts);
    return read_letters_scheme(pre_tokenizer, parts);
  }
  Result<PreTokenizer> pre = PreTokenizer::from_json(pre_tokenizer);
  if (!pre) return tl::unexpected(pre.error());
  parts.pre_tokenizer = std::move(*pre);
  return {};
}

// The token for letters that are in no other; the vocabulary need not hold it.
void read_unknown(const Json& model, TokenizerParts& parts) {
  const std::string spelling = text_or_empty(member(model, "unk_token"));
  const auto found = std::find(parts.spellings.begin(), parts.spellings.end(), spelling);
  if (!spelling.empty() && found != parts.spellings.end()) {
    parts.unknown = static_cast<TokenId>(found - parts.spellings.begin());
  }
  parts.fuses_unknown = is_true(member(model, "fuse_unk"));
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
  const Json& model = member(tokenizer_json, "model");
  const Ids ids{parts, ids_allowed(tokenizer_json)};
  Result<void> done = read_model(model, ids);
  if (done) done = read_added(member(tokenizer_json, "added_tokens"), ids);
  if (done) done = read_normalizer(member(tokenizer_json, "normalizer"), parts);
  if (done) done = read_scheme(tokenizer_json, parts);
  if (!done) return tl::unexpected(done.error());
  read_unknown(model, parts);
  const std::optional<TokenId> leading = leading_special(member(tokenizer_json, "post_processor"), parts);
  parts.bos = configured(config, "bos_token", parts);
  if (!parts.bos) parts.bos = leading;
  parts.eos = configured(config, "eos_token", parts);
  const Json& add_bos = member(config, "add_bos_token");
  parts.add_bos = add_bos.is_boolean() ? add_bos.get<bool>() : leading.has_value() && leading == parts.bos;
  return TokenizerParts::build(std::move(parts));
}

}  // namespace hone::text
