// A tokenizer in the words of the two kinds of model files: tokenizer.ggml.* keys and tokenizer.json.
#pragma once

#include <string>

#include "base/json.h"
#include "formats/gguf.h"
#include "model/export_config.h"
#include "text/tokenizer.h"

namespace hone::model {

// What a tokenizer.json says, as a GGUF file would. Tokens are filled up with unused ones to `rows`, the embedding's. A
// pre-tokenizer that llama.cpp has no name for, and kinds of models that GGUF files have no words for, are refused
// (unsupported) by name. `opened` is the same tokenizer, for its BOS and EOS.
Result<text::GgufVocabulary> gguf_words(const Json& tokenizer_json, const text::Tokenizer& opened, int rows);

// tokenizer.ggml.*; the first of ids.ends that is not EOS becomes the end of a turn.
formats::GgufMetadata gguf_tokenizer_keys(const text::GgufVocabulary& vocabulary, const TokenIds& ids);

struct TokenizerFiles {
  std::string tokenizer_json;
  Json config;  // tokenizer_config.json, without a chat template
};
// A GGUF's vocabulary as Hugging Face's tokenizers library reads it: byte-level BPE with the normaliser and regex that
// its `pre` stands for; SentencePiece BPE with byte fallback, its merges found from the scores.
Result<TokenizerFiles> hugging_face_tokenizer(const text::GgufVocabulary& vocabulary, const TokenIds& ids);

}  // namespace hone::model
