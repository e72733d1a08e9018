// BPE tokenizers, byte-level or SentencePiece-type, from GGUF metadata or a Hugging Face tokenizer.json.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/marked_text.h"
#include "text/token_id.h"

namespace hone::text {

// What a GGUF file says of its tokenizer (tokenizer.ggml.*), gathered by formats/ or model/.
struct GgufVocabulary {
  std::string model;  // "gpt2": byte-level; "llama": SentencePiece
  std::string pre;    // "smollm", "qwen2", "llama-bpe", ...
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;  // 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte
  std::vector<std::string> merges;  // "a b"; byte-level only
  std::vector<float> scores;        // SentencePiece only, as many as tokens
  std::optional<TokenId> bos, eos, eot, unknown, padding;
  bool add_bos = false;
  bool add_space_prefix =
      true;  // SentencePiece only: a space before text that follows the beginning or a special token
};

// What stands before a text that is encoded by itself.
enum class Behind : unsigned char { nothing, special, text };

class Tokenizer {
 public:
  static Result<Tokenizer> from_gguf(const GgufVocabulary& vocabulary);
  // `config` is the parsed tokenizer_config.json beside it, or null; it names bos and eos.
  static Result<Tokenizer> from_json(const Json& tokenizer_json, const Json& config);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Ids of plain text: no special token is matched (but added tokens of nothing but white space, which some
  // vocabularies have), none is added. Any bytes round-trip through decode(), but for what the model was trained with:
  // - Qwen's text is brought to NFC first;
  // - a byte the vocabulary has no token for is left out (SmolLM2 lacks 21: six C0 controls such as 0x04, two that only
  //   unassigned planes need, and the 13 that UTF-8 never holds);
  // - SentencePiece-type models read U+2581 as a space and, where spaces_lead() says so, put a space before the text,
  //   which decode() takes away again; Metaspace tokenizers do so only where none stands there, so that one is lost.
  std::vector<TokenId> encode(std::string_view plain) const;
  // The same for text that goes on behind a special token, or behind other text: then nothing is put before it.
  std::vector<TokenId> encode_behind(std::string_view plain, Behind behind) const;
  // Ids of rendered text: special tokens match only where all their bytes came from the template. No BOS is added (the
  // template writes it).
  std::vector<TokenId> encode(const MarkedText& rendered) const;
  std::vector<TokenId> encode_behind(const MarkedText& rendered, Behind behind) const;
  // Bytes of the ids, special tokens spelled out. Where spaces_lead(), one space at the beginning is left out.
  std::string decode(std::span<const TokenId> ids) const;
  // Bytes that one token stands for.
  std::string_view token_bytes(TokenId id) const;
  bool is_special(TokenId id) const;
  // The id of a special or added token by its spelling ("<|im_end|>").
  std::optional<TokenId> special_id(std::string_view spelling) const;

  std::size_t vocabulary_size() const;
  std::optional<TokenId> bos() const;
  std::optional<TokenId> eos() const;
  // Tokens that end a turn: eos, eot and <|im_end|>-like ones; generation stops at any of them.
  const std::vector<TokenId>& end_of_turn() const;
  // More of them, as a model's generation_config.json names them; ids it has no token for are left out.
  void add_end_of_turn(std::span<const TokenId> ids);
  bool add_bos() const;
  // Whether text gets a space in front: SentencePiece models other than Gemma's.
  bool spaces_lead() const;

 private:
  struct State;
  friend struct TokenizerParts;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hone::text
