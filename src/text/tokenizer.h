// Byte-level BPE tokenizers, from GGUF metadata or a Hugging Face tokenizer.json.
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

namespace hone::text {

using TokenId = std::int32_t;

// What a GGUF file says of its tokenizer (tokenizer.ggml.*), gathered by formats/ or model/.
struct GgufVocabulary {
  std::string model;  // "gpt2"
  std::string pre;    // "smollm", "qwen2", "llama-bpe", ...
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;  // 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte
  std::vector<std::string> merges;  // "a b"
  std::optional<TokenId> bos, eos, eot, unknown, padding;
  bool add_bos = false;
};

class Tokenizer {
 public:
  static Result<Tokenizer> from_gguf(const GgufVocabulary& vocabulary);
  // `config` is the parsed tokenizer_config.json beside it, or null; it names bos and eos.
  static Result<Tokenizer> from_json(const Json& tokenizer_json, const Json& config);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Ids of plain text: no special token is matched, none is added. Any bytes round-trip through decode(), but for two
  // things the model was trained with: Qwen's text is brought to NFC first, and a byte the vocabulary has no token for
  // is left out (SmolLM2 lacks 21: six C0 controls such as 0x04, two that only unassigned planes need,
  // and the 13 that UTF-8 never holds).
  std::vector<TokenId> encode(std::string_view plain) const;
  // Ids of rendered text: special tokens match only where all their bytes came from the template. No BOS is added (the
  // template writes it).
  std::vector<TokenId> encode(const MarkedText& rendered) const;
  // Bytes of the ids, special tokens spelled out.
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
  bool add_bos() const;

 private:
  struct State;
  friend struct TokenizerParts;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hone::text
