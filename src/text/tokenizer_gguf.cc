// Tokenizers out of a GGUF's metadata.
#include "base/terminal.h"
#include "text/tokenizer.h"
#include "text/tokenizer_parts.h"

namespace hone::text {
namespace {

// tokenizer.ggml.token_type
enum Type : std::int32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct OtherModel {
  std::string_view name;
  std::string_view what;
};
constexpr OtherModel other_models[] = {{"t5", "a unigram model"}, {"bert", "WordPiece"}, {"rwkv", "RWKV's"}};

Result<void> check(const GgufVocabulary& vocabulary) {
  if (vocabulary.model != "gpt2" && vocabulary.model != "llama") {
    std::string what;
    for (const OtherModel& other : other_models) {
      if (other.name == vocabulary.model) what = fmt::format(", {}", other.what);
    }
    return make_error(
        ErrorCode::unsupported,
        "the model file's tokenizer is of kind '{}'{} (tokenizer.ggml.model); byte-level BPE ('gpt2') and "
        "SentencePiece BPE ('llama') are supported, unigram and WordPiece models are not",
        printable(vocabulary.model), what);
  }
  if (vocabulary.tokens.empty() || (!vocabulary.types.empty() && vocabulary.types.size() != vocabulary.tokens.size())) {
    return bad_input("the model file's vocabulary holds {} tokens and {} token types; expected as many of each",
                     vocabulary.tokens.size(), vocabulary.types.size());
  }
  if (vocabulary.model == "llama" && vocabulary.scores.size() != vocabulary.tokens.size()) {
    return bad_input(
        "the model file's vocabulary holds {} tokens and {} scores (tokenizer.ggml.scores); a SentencePiece model "
        "needs "
        "as many of each",
        vocabulary.tokens.size(), vocabulary.scores.size());
  }
  return {};
}

TokenKind kind_of(std::int32_t type, std::string_view spelling) {
  switch (type) {
    case unknown:
    case control:
      return TokenKind::control;
    case user_defined:
      return TokenKind::added;
    case unused:
      return TokenKind::unused;
    case byte:
      return byte_of_spelling(spelling) ? TokenKind::byte : TokenKind::plain;
    default:
      return TokenKind::plain;
  }
}

Result<void> read_bytes_scheme(const GgufVocabulary& vocabulary, TokenizerParts& parts) {
  Result<PreTokenizer> pre = PreTokenizer::from_gguf_name(vocabulary.pre);
  if (!pre) return tl::unexpected(pre.error());
  parts.pre_tokenizer = std::move(*pre);
  parts.normalizer.composes = vocabulary.pre == "qwen2" || vocabulary.pre == "deepseek-r1-qwen";
  if (vocabulary.pre.starts_with("llama")) parts.whole_pieces = WholePieces::direct;
  for (const std::string& merge : vocabulary.merges) parts.merges.push_back(split_merge(merge));
  return {};
}

void read_letters_scheme(const GgufVocabulary& vocabulary, TokenizerParts& parts) {
  parts.alphabet = Alphabet::letters;
  parts.normalizer.reads_marks = true;
  if (vocabulary.add_space_prefix) parts.prefix = SpacePrefix::always;
  parts.scores = vocabulary.scores;
  parts.unknown = vocabulary.unknown;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_gguf(const GgufVocabulary& vocabulary) {
  if (Result<void> checked = check(vocabulary); !checked) return tl::unexpected(checked.error());
  TokenizerParts parts;
  parts.spellings = vocabulary.tokens;
  const bool letters = vocabulary.model == "llama";
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& spelling = vocabulary.tokens[id];
    TokenKind kind = kind_of(vocabulary.types.empty() ? normal : vocabulary.types[id], spelling);
    if (kind == TokenKind::byte && !letters) kind = TokenKind::plain;
    if (kind == TokenKind::control || kind == TokenKind::added) {
      AddedToken token{.spelling = spelling, .id = static_cast<TokenId>(id)};
      token.anywhere = kind == TokenKind::added && is_blank(spelling);
      parts.added.push_back(std::move(token));
    }
    parts.kinds.push_back(kind);
  }
  if (letters) {
    read_letters_scheme(vocabulary, parts);
  } else if (Result<void> done = read_bytes_scheme(vocabulary, parts); !done) {
    return tl::unexpected(done.error());
  }
  parts.bos = vocabulary.bos;
  parts.eos = vocabulary.eos;
  parts.eot = vocabulary.eot;
  parts.add_bos = vocabulary.add_bos;
  return TokenizerParts::build(std::move(parts));
}

}  // namespace hone::text
